. "$(dirname "$0")/lib.sh"
needs_voice kathleen

mkdir recordings
cp "$data/speech.flac" recordings/1.flac

# From a voice that is its embedding and sings with the base.
run 0 train --data recordings --name me --from kathleen --steps 1
there voices/me/weights.safetensors
run 2 train --data recordings --name me --from kathleen --steps 1 --seed 1
has stderr 'other seed; give --no-resume'
has stderr '--work-dir'
run 3 train --data recordings --name you --from no-such-voice
gone voices/you.train

# stopped_at STAGE ARGUMENT...: Ctrl-C at the first report of a stage
stopped_at() {
  local stage=$1 pid status=0
  shift
  : >stdout  # of the last run
  "$voxconv" --json train --data recordings "$@" >stdout 2>stderr </dev/null &
  pid=$!
  for ((i = 0; i < 600; i++)); do
    grep -q "\"stage\":\"$stage\"" stdout && break
    sleep 0.1
  done
  kill -INT $pid
  wait $pid || status=$?
  [ $status = 130 ] || fail "exit status after Ctrl-C: $status, expected 130; stdout: $(tail -n 3 stdout)"
}
stopped_at train --name me --from kathleen --minutes 5
has stdout '; the same command goes on from there.'
stopped_at train --name me --from kathleen --minutes 5 --no-resume
has stdout '; the same command without --no-resume goes on from there.'
# --denoise reaches the recordings.
if command -v ffmpeg >/dev/null; then
  mkdir noisy
  ffmpeg -v error -i recordings/1.flac -f lavfi -i "anoisesrc=r=16000:d=5:c=white:a=0.02:seed=1" -filter_complex "amix=inputs=2:normalize=0:duration=first" noisy/1.wav
  VOXCONV_VOICES=$work/noisy-voices run 0 train --data noisy --name same --zero-shot
  VOXCONV_VOICES=$work/denoised-voices run 0 train --data noisy --name same --zero-shot --denoise
  there denoised-voices/same/weights.safetensors
  cmp -s noisy-voices/same/weights.safetensors denoised-voices/same/weights.safetensors && fail "--denoise changes nothing"
fi
for i in 2 3 4 5 6; do cp recordings/1.flac recordings/$i.flac; done
stopped_at prepare --name you --zero-shot
has stdout 'Stopped while the recordings were prepared'
gone voices/you
finish
