. "$(dirname "$0")/lib.sh"
run 0 info "$data/song.flac"
has stdout "44100 Hz"
has stdout "flac"
run 0 info "$data/speech.flac" --json
json_lines stdout
has stdout '"event":"audio"'
has stdout '"rate":16000'
has stdout '"channels":1'

# A weights file of one tensor of two float32 numbers: 8 bytes of length, the header, the numbers.
header='{"a.weight":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}  '
{ printf "\\x$(printf %x ${#header})\\0\\0\\0\\0\\0\\0\\0%s" "$header"; printf '\0\0\0\0\0\0\0\0'; } >tiny.safetensors
run 0 info tiny.safetensors --tensors
has stdout "a.weight"
has stdout "F32"
run 0 info tiny.safetensors --tensors --json
has stdout '"shape":[2]'
has stdout '"parameters":2'
has stdout '"not_finite":[]'

{ printf "\\x$(printf %x ${#header})\\0\\0\\0\\0\\0\\0\\0%s" "$header"; printf '\0\0\0\0\0\0\300\177'; } >nan.safetensors
run 0 info nan.safetensors
has stdout "1 tensor(s) have numbers that are not finite: a.weight"

head -c 40 tiny.safetensors >cut.safetensors
run 4 info cut.safetensors
run 3 info missing.wav
head -c 1000 /dev/zero >zeros.wav
run 3 info zeros.wav
mkdir folder
run 3 info folder

# A result that is lost is an error.
for flag in --quiet --json; do
  status=0
  "$voxconv" $flag info "$data/song.flac" >/dev/full 2>stderr || status=$?
  [ $status = 6 ] || fail "exit status with a full disk: $status, expected 6"
  has stderr "Cannot write to standard output: No space left on device."
done
finish
