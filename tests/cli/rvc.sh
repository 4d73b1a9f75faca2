# The way of somebody who has an RVC checkpoint: what is said while something is missing or does not fit, then fetching by name, conversion and
# retrieval. The voices and weights are tiny and random.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || { echo "SKIPPED: no python3" && exit 77; }
export XDG_DATA_HOME=$work/data VOXCONV_CATALOG=$work/catalog.json
readonly v1=$data/golden/rvc/v1_48k.pth v2=$data/golden/rvc/v2_40k.pth

# A second and a half of somebody singing "aa".
readonly song=song.wav
python3 - $song <<'PYTHON'
import math, struct, sys, wave
with wave.open(sys.argv[1], "wb") as out:
    out.setparams((1, 2, 16000, 0, "NONE", ""))
    phases = [220 * (t / 16000 + 0.002 * math.sin(2 * math.pi * 5 * t / 16000)) for t in range(24000)]
    out.writeframes(b"".join(struct.pack("<h", int(9000 * sum(math.sin(2 * math.pi * k * p) / k for k in range(1, 9)))) for p in phases))
PYTHON

# The tiny HuBERT of the golden tests with a projection to the 256 numbers of RVC v1, the tiny RMVPE, and a catalog that has both.
mkdir tiny
cp "$data/golden/rmvpe_weights.safetensors" tiny/rmvpe.safetensors
python3 - "$data/golden/hubert/model.safetensors" tiny/model.safetensors <<'PYTHON'
import json, random, struct, sys
source = open(sys.argv[1], "rb").read()
size, = struct.unpack("<Q", source[:8])
header = json.loads(source[8 : 8 + size])
tensors = {name: (entry["dtype"], entry["shape"], source[8 + size + entry["data_offsets"][0] : 8 + size + entry["data_offsets"][1]])
           for name, entry in header.items() if name != "__metadata__"}
width, chance = tensors["final_proj.weight"][1][1], random.Random(3)
for name, shape in (("final_proj.weight", [256, width]), ("final_proj.bias", [256])):
    count = shape[0] * (shape[1] if len(shape) > 1 else 1)
    tensors[name] = ("F32", shape, struct.pack(f"<{count}f", *(chance.gauss(0, 0.3) for _ in range(count))))
header, body = {}, b""
for name, (dtype, shape, content) in tensors.items():
    header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(content)]}
    body += content
text = json.dumps(header).encode()
open(sys.argv[2], "wb").write(struct.pack("<Q", len(text)) + text + body)
PYTHON
cp "$data/golden/hubert/config.json" tiny/config.json
file() { # PATH SOURCE
  printf '{"path": "%s", "urls": ["http://127.0.0.1:1/%s"], "sha256": "%s"}' "$1" "$2" "$(sha256sum "tiny/$2" | cut -d' ' -f1)"
}
cat >catalog.json <<TEXT
{"format_version": 1, "models": [
  {"name": "contentvec", "kind": "content encoder",
   "files": [$(file content/contentvec/config.json config.json), $(file content/contentvec/model.safetensors model.safetensors)]},
  {"name": "rmvpe", "kind": "f0 estimator", "files": [$(file pitch/rmvpe/rmvpe.safetensors rmvpe.safetensors)]}]}
TEXT

# Without the weights.
run 3 convert $song --voice "$v1" -o out.wav
has stderr '"voxconv models get contentvec"'
run 2 convert $song --voice "$v1" --speaker 99 -o out.wav # what would not work with them either is said first
has stderr "speaker 99 is not there; the voice v1_48k has the speakers 0 to 2"
run 2 convert $song --voice "$v1" --key auto -o out.wav
has stderr "give it in semitones"
run 2 convert $song --voice missing.pth --exact --gain 3 -o out.wav
has stderr "leave these out"
run 2 convert $song $song --voice "$v1" --speaker 99
has stderr "speaker 99 is not there"
run 3 f0 $song --f0 rmvpe -o f0.csv
has stderr '"voxconv models get rmvpe"'
run 7 models get contentvec
has stderr "http://127.0.0.1:1/config.json cannot be reached"
gone out.wav
gone f0.csv

# With them.
run 0 models get contentvec --from tiny
run 0 models get rmvpe --from tiny/rmvpe.safetensors
run 0 f0 $song --f0 rmvpe -o f0.csv
there f0.csv
run 0 convert $song --voice "$v1" -o out.wav
run 0 info out.wav
has stdout "48000 Hz"
run 0 convert $song --voice "$v1" -o again.wav
same out.wav again.wav
run 0 convert $song --voice "$v1" --seed 1 -o other.wav
! cmp -s out.wav other.wav || fail "the seed changes nothing"
run 0 convert $song --voice "$v1" --speaker 1 -o speaker.wav
! cmp -s out.wav speaker.wav || fail "the speaker changes nothing"
content=data/voxconv/models/content
mv $content/contentvec $content/contentvec-hf # the same weights under another name of the catalog
run 0 convert $song --voice "$v1" -o renamed.wav
same out.wav renamed.wav
mv $content/contentvec-hf $content/contentvec
run 2 convert $song --voice "$v1" --speaker 99 -o no.wav
has stderr "speaker"
run 0 convert $song --voice "$v1" --exact -o exact.wav
there exact.wav

# Retrieval.
run 0 index build "$data/speech.flac" -o own.index --voice "$v1"
has stdout "vectors of 256 numbers"
run 0 convert $song --voice "$v1" --index own.index --index-rate 1 --protect 0.5 -o retrieved.wav
! cmp -s out.wav retrieved.wav || fail "the index changes nothing"
run 2 convert $song --voice "$v1" --index "$data/golden/added_tiny.index" -o no.wav
has stderr "frames of 24 numbers, the content encoder of this voice 256"
for index in "$data/golden/trained_tiny.index" $song; do
  run 4 convert $song --voice "$v1" --index "$index" -o no.wav
  has stderr "$index"
done
run 3 convert $song --voice "$v1" --index missing.index -o no.wav
has stderr "missing.index"

# The encoder does not fit a v2 voice, which takes 768 numbers.
run 4 convert $song --voice "$v2" -o no.wav
has stderr "768"
has stderr "contentvec"
gone no.wav

# As a bundle: the same samples (a WAV file also names the voice), with its own index or without.
run 0 voices import "$v1" --name anna --index own.index
for voice in anna "$v1"; do run 0 convert $song --voice $voice --index-rate 0 --format raw -o "$(basename $voice).raw"; done
same anna.raw v1_48k.pth.raw
run 0 convert $song --voice anna --format raw -o retrieved.raw
! cmp -s anna.raw retrieved.raw || fail "the bundle's index changes nothing"

# As it is shared: a .zip with both, some of it of no use.
python3 - "$v1" "$data/golden/trained_tiny.index" <<'PYTHON'
import sys, zipfile
def pack(name, *files):
    with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED) as out:
        for path, source in files:
            out.write(source, path)
pack("shared.zip", ("Boris/Boris e3.pth", sys.argv[1]), ("Boris/trained_boris.index", sys.argv[2]), ("Boris/added_boris.index", "own.index"),
     ("__MACOSX/Boris/._Boris e3.pth", sys.argv[2]))
pack("two.zip", ("a.pth", sys.argv[1]), ("b.pth", sys.argv[1]))
pack("none.zip", ("song.wav", "song.wav"))
PYTHON
run 0 voices import shared.zip
has stdout "boris-e3"
there voices/boris-e3/index.faiss
run 0 convert $song --voice boris-e3 --format raw -o shared.raw
same shared.raw retrieved.raw
run 0 voices import shared.zip --name b --title "Boris"
run 4 voices import two.zip
has stderr "a.pth and b.pth"
run 4 voices import none.zip
has stderr "holds neither a voice.json nor a .pth"
[ "$(ls -A voices | tr '\n' ' ')" = "anna b boris-e3 " ] || fail "left over: $(ls -A voices)"
run 0 info own.index
has stdout "256 each (RVC v1)"

run 0 models remove contentvec
run 3 convert $song --voice anna -o no.wav
has stderr '"voxconv models get contentvec"'
gone no.wav
finish
