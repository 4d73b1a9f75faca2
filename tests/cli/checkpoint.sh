. "$(dirname "$0")/lib.sh"
readonly singer=$data/golden/rvc/v2_40k.pth
run 0 info "$singer"
has stdout "safe: only tensors and plain data"
has stdout "torch zip"
has stdout "40000 Hz"
has stdout "contentvec/layer12"
run 0 info "$singer" --json --tensors
json_lines stdout
has stdout '"architecture":"rvc"'
has stdout '"speakers":3'
has stdout '"name":"weight.dec.ups.0.weight_g"'
run 0 info "$data/checkpoints/plain_legacy.pth" --tensors
has stdout "torch legacy"
has stdout "weight.transposed"
has stdout "inert records: argparse.Namespace"

# What is not only data is refused everywhere, with what it would have done.
bad=$data/checkpoints/refused_system.pth
for command in "info $bad" "voices import $bad" "voices info $bad" "convert $data/speech.flac --voice $bad -o out.wav"; do
  # shellcheck disable=SC2086
  run 4 $command
  has stderr "posix.system('rm -rf ~',)"
done
gone out.wav
run 4 info "$data/checkpoints/refused_escape_codes.pth"
has stderr 'system\x1b[2J'
run 4 voices import "$data/checkpoints/plain_zip.pth"
has stderr "list of 18 settings"

# In and out again.
cp "$singer" "My Singer (v2).pth"
run 0 voices info "My Singer (v2).pth"
has stdout "my-singer-v2"
run 0 voices import "My Singer (v2).pth" --title "A singer"
run 0 voices info my-singer-v2
has stdout "A singer"
has stdout "rvc"
has stdout "not known"
has stdout "model version v2"
has stdout "speakers      3"
has stdout "takes pitch   yes"
has stdout "contentvec/layer12"
has stdout "hifigan"
has stdout "40000 Hz"
run 0 voices info my-singer-v2 --json
json_lines stdout
model=$(sed 's/.*"model":\({[^}]*}\).*/\1/' stdout)
run 0 info "$singer" --json
has stdout "\"model\":$model"
run 0 info voices/my-singer-v2
has stdout "model version v2"
run 0 voices list
has stdout "my-singer-v2"
run 0 voices verify my-singer-v2
run 0 voices export my-singer-v2 -o again.pth
run 0 voices import again.pth --name second
run 0 voices export second -o third.pth
same again.pth third.pth
run 0 voices export second -o second.zip
run 0 voices import second.zip --name from-zip
run 2 voices import second.zip --name more --title "No"
run 2 voices export "$singer" -o out.pth
run 3 voices import "$singer" --name with-index --index missing.index
gone voices/with-index
finish
