. "$(dirname "$0")/lib.sh"
needs_voice kathleen
song=$data/song.flac

run 0 convert "$song" --voice kathleen -o a.wav
there a.wav
has stderr "times real time"
lacks stderr $'\r' # no progress bar in a pipe
empty stdout
run 0 info a.wav --json
has stdout '"rate":44100'
has stdout '"channels":1'
has stdout 'kathleen' # the tags say which voice it is

# Events.
run 0 convert "$song" --voice kathleen -o b.wav --json
json_lines stdout
has stdout '"event":"progress"'
has stdout '"event":"converted"'
empty stderr
same a.wav b.wav # the same seed, the same bytes
run 0 convert "$song" --voice kathleen --seed 5 -o c.wav --quiet
empty stdout
empty stderr
! cmp -s a.wav c.wav || fail "another seed gives the same bytes"

# Pipes: standard output carries the sound and nothing else.
"$voxconv" convert - --voice kathleen -o - <"$song" >piped.wav 2>stderr || fail "piping: $(cat stderr)"
[ "$(head -c 4 piped.wav)" = RIFF ] || fail "no WAV stream on standard output"
run 0 info piped.wav
"$voxconv" --json convert "$song" --voice kathleen -o - --format raw >out.raw 2>stderr || fail "raw: $(cat stderr)"
lacks out.raw '"event"'
has stderr '"event":"converted"'
[ "$(stat -c %s out.raw)" -gt 300000 ] || fail "out.raw is too short"

# Failures leave nothing.
head -c 5000 "$song" | tail -c 4000 >noise.flac
run 3 convert noise.flac --voice kathleen -o d.wav
gone d.wav
run 6 convert "$song" --voice kathleen -o no/such/folder/e.wav
run 2 convert a.wav --voice kathleen -o a.wav

# Memory that runs out is told in one sentence, by the code of the device.
status=0
(ulimit -v 700000 && exec "$voxconv" --json convert "$song" --voice kathleen -o out.wav) >stdout 2>stderr || status=$?
[ $status = 5 ] || fail "exit status without memory: $status, expected 5: $(cat stderr)"
has stdout '"code":"device"'
[ "$(wc -l <stderr)" = 1 ] || fail "more than a sentence: $(cat stderr)"
gone out.wav

# Ctrl-C in the middle of an endless song.
"$voxconv" convert - --raw 16000,1,s16 --voice kathleen -o endless.wav < <(yes) >stdout 2>stderr &
pid=$!
for ((i = 0; i < 600; i++)); do
  ls -A | grep -q '\.tmp' && break
  sleep 0.1
done
kill -INT $pid
status=0
wait $pid || status=$?
[ $status = 130 ] || fail "exit status after Ctrl-C: $status, expected 130"
gone endless.wav
[ -z "$(ls -A | grep '\.tmp')" ] || fail "Ctrl-C left $(ls -A | grep '\.tmp')"
finish
