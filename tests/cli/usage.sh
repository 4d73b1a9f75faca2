. "$(dirname "$0")/lib.sh"
run 0 --version
grep -qE '^voxconv [0-9]+\.[0-9]+\.[0-9]+$' stdout || fail "no version: $(cat stdout)"

run 0 --help
for command in convert voices models info f0 train eval completions man; do has stdout "  $command "; done
has stdout "130 cancelled"
for command in convert voices models f0 info train eval completions man; do
  run 0 "$command" --help
  has stdout "xamples:"
done
run 0 convert --help
for flag in --key --f0 --f0-file --formant --seed --loudness --wet --gain --stereo --chunk --out-dir --name-template --skip-existing --raw; do
  has stdout " $flag"
done

# Usage errors: status 2, one sentence on stderr, nothing on stdout.
for arguments in "" "nonsense" "convert" "convert a.wav" "convert a.wav --voice x --key loud -o b.wav" "convert a.wav --voice x --key 99 -o b.wav" \
  "convert a.wav --voice x --stereo wide -o b.wav" "convert a.wav b.wav --voice x -o c.wav" "convert - --voice x" "convert a.wav --voice x -o b.wav --out-dir c" \
  "f0 a.wav -o f0.txt" "voices" "voices rm ../x" "completions tcsh" "--threads -1 voices list" "train --data d --name Not/Good"; do
  # shellcheck disable=SC2086
  run 2 $arguments
  empty stdout
  has stderr "voxconv: "
done

# What is not there is named, and the help that tells more.
run 2 bogus
has stderr 'There is no command "bogus". See voxconv --help.'
run 2 voices bogus
has stderr 'There is no command "bogus". See voxconv voices --help.'
run 2 --bogus
has stderr 'There is no option "--bogus". See voxconv --help.'
run 2 convert a.wav
has stderr 'See voxconv convert --help.'
for arguments in "convert a.wav --voice x --seed -1 -o b.wav" "eval a.wav --voice x --seed -1" "train --data d --name me --seed -1" \
  "index build a.wav --voice x -o b.index --seed -1"; do
  # shellcheck disable=SC2086
  run 2 $arguments
  has stderr "--seed"
done

run 2 convert a.wav --voice x --seed 99999999999999999999999 -o b.wav
has stderr "no whole number"

# What is out of range is called by its flag.
for arguments in "--f0-min 5" "--gain 99" "--chunk 0.01" "--f0-median 2" "--pause-db 99" "--rms-mix 2" "--index-probes 99999" "--f0-min 900 --f0-max 800" \
  "--exact --denoise" "--resample 5"; do
  for command in convert cover; do
    # shellcheck disable=SC2086
    run 2 $command a.wav --voice x -o b.wav $arguments
    has stderr "${arguments%% *} "
    ! grep -q '[a-z]_[a-z]' stderr || fail "$command $arguments: $(cat stderr)"
  done
done

run 3 convert "$data/song.flac" --voice no-such-voice -o out.wav
has stderr 'no-such-voice'
gone out.wav

# The source is looked at before the voice is loaded.
run 3 convert missing.wav --voice no-such-voice -o out.wav
has stderr 'missing.wav does not exist'
gone out.wav

# What the file system refuses is told by its reason, and is no bug.
ln -s loop loop
long=$(printf 'a%.0s' {1..300}).wav
for arguments in "info loop" "info loop/a.wav" "info $long" "convert loop --voice x -o out.wav" "convert $long --voice x -o out.wav" "voices import loop" \
  "f0 $data/song.flac --f0 pyin -o loop/f0.csv"; do
  # shellcheck disable=SC2086
  run 6 $arguments
  grep -qE 'symbolic links|name too long' stderr || fail "voxconv $arguments gives no reason: $(cat stderr)"
done

run 2 --json convert a.wav --voice x --key 99 -o b.wav
json_lines stdout
has stdout '"event":"error","code":"usage","exit_status":2'
finish
