# Models by name: lists, downloads from a server that misbehaves on demand, checks, installs from files.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || { echo "SKIPPED: no python3" && exit 77; }
export XDG_DATA_HOME=$work/data
unset VOXCONV_CATALOG VOXCONV_MODEL_MIRROR VOXCONV_MODELS http_proxy https_proxy
store=$XDG_DATA_HOME/voxconv/models
mkdir files
python3 - files <<'PYTHON'
import json, pathlib, random, sys
folder = pathlib.Path(sys.argv[1])
chance = random.Random(7)
(folder / "weights.pt").write_bytes(b"PK\x03\x04" + chance.randbytes(300_000))
(folder / "weights.pt.new").write_bytes(b"PK\x03\x04" + chance.randbytes(250_000))
(folder / "config.json").write_text(json.dumps({"model_type": "hubert"}))
PYTHON
python3 "$(dirname "$0")/../model_server/model_server.py" files >port &
server=$!
trap 'kill $server; rm -rf "$work"' EXIT
for _ in $(seq 100); do [ -s port ] && break || sleep 0.05; done
[ -s port ] || { echo "FAILED: the server does not start" && exit 1; }
base=http://127.0.0.1:$(cat port)
sum=$(sha256sum files/weights.pt | cut -d' ' -f1)
size=$(stat -c %s files/weights.pt)

# catalog BEHAVIOUR...: entry "m" is weights.pt, to be had in these ways; with $sum and $size as they then are
catalog() {
  local urls='' way
  for way in "$@"; do urls+="${urls:+,}\"$base/$way/weights.pt\""; done
  cat >catalog.json <<TEXT
{"format_version": 1, "models": [
 {"name": "m", "kind": "content encoder", "licence": "MIT", "licence_note": "says who", "title": "One", "source": "https://example.org",
  "files": [{"path": "content/m/weights.pt", "urls": [$urls], "bytes": $size, "sha256": "$sum"}]},
 {"name": "pair", "kind": "content encoder", "files": [{"path": "content/pair/config.json", "urls": ["$base/good/config.json"]},
  {"path": "content/pair/weights.pt", "urls": [$urls]}]}]}
TEXT
}
export VOXCONV_CATALOG=$work/catalog.json
ask() { # PATH: what the server answers, without its headers
  exec 3<>"/dev/tcp/127.0.0.1/$(cat port)"
  printf 'GET %s HTTP/1.0\r\n\r\n' "$1" >&3
  sed '1,/^\r$/d' <&3
  exec 3>&-
}
requests() { ask /log; }
fresh() { # forgets what was installed and asked, and names the ways anew
  rm -rf "$store"
  ask /forget
  catalog "$@"
}
installed() { same "$store/content/m/weights.pt" files/weights.pt && [ "$(ls -A "$store/content/m")" = weights.pt ] || fail "left over: $(ls -A "$store/content/m")"; }
nothing() { [ -z "$(ls -A "$store/content/m" 2>/dev/null)" ] || fail "left over: $(ls -A "$store/content/m")"; }

# The catalog that ships.
VOXCONV_CATALOG='' run 0 models list
for name in contentvec rmvpe spin-v2 whisper-base; do grep -qE "^$name +- " stdout || fail "$name is not listed: $(cat stdout)"; done
VOXCONV_CATALOG='' run 3 models path contentvec
has stderr '"voxconv models get contentvec"'
VOXCONV_CATALOG='' run 3 models get nonsense
has stderr "it has contentvec, "

# The whole way, and what a second call does.
fresh good
run 0 models list
has stdout "300.0 kB"
run 0 models get m
has stdout "m is installed in $store/content/m/weights.pt"
has stderr "Licence: MIT (says who)."
installed
run 0 models path m
[ "$(cat stdout)" = "$store/content/m/weights.pt" ] || fail "path: $(cat stdout)"
run 0 models verify
has stdout "m: sound"
run 0 models get m
has stdout "installed already"
[ "$(requests | wc -l)" = 1 ] || fail "asked again: $(requests)"
run 0 models get m --force
[ "$(requests | wc -l)" = 2 ] || fail "not asked again: $(requests)"
run 0 --json models list
json_lines stdout
has stdout '"name":"m"'
has stdout '"state":"installed"'

# Damage is found, and mended.
printf x | dd of="$store/content/m/weights.pt" bs=1 seek=1000 conv=notrunc status=none
run 4 models verify m
has stdout "$sum"
run 0 models get m
installed
run 0 models remove m
nothing
run 3 models remove m

# What lies in $VOXCONV_MODELS is used, and is not ours to mend.
fresh good
mkdir -p shipped/content/m
cp files/weights.pt shipped/content/m
VOXCONV_MODELS=$work/shipped run 0 models get m
has stdout "m was installed already, and is sound, in $work/shipped/content/m/weights.pt"
printf x | dd of=shipped/content/m/weights.pt bs=1 seek=1000 conv=notrunc status=none
VOXCONV_MODELS=$work/shipped run 4 models get m
has stderr "$work/shipped/content/m/weights.pt has the sha256"
has stderr "remove it, then fetch m"
[ -z "$(requests)" ] || fail "asked: $(requests)"
nothing
XDG_DATA_HOME=$work VOXCONV_MODELS=$work/voxconv/./models run 0 models get m # the user's own folder by another name
printf x | dd of=voxconv/models/content/m/weights.pt bs=1 seek=1000 conv=notrunc status=none
XDG_DATA_HOME=$work VOXCONV_MODELS=$work/voxconv/./models run 0 models get m
same voxconv/models/content/m/weights.pt files/weights.pt

# Connections that break: within one command, and across commands.
fresh cut
run 0 models get m
installed
[ "$(requests | wc -l)" -gt 2 ] || fail "nothing was cut: $(requests)"
fresh die
run 7 models get m
has stderr "$base/die/weights.pt"
has stderr "The same command goes on from there"
[ "$(stat -c %s "$store/content/m/weights.pt.part")" = $((size / 2)) ] || fail "the part: $(ls -l "$store/content/m")"
run 0 models list
has stdout "partial"
catalog good
sed -i "1s#^.*#$base/good/weights.pt#" "$store/content/m/weights.pt.part.origin"
run 0 models get m
installed
requests | grep -qx "/good/weights.pt bytes=$((size / 2))- \"one\"" || fail "not resumed: $(requests)"
fresh die
run 7 models get m
catalog plain # another URL, without ranges: begins anew
run 0 models get m
installed
fresh die good # a mirror goes on where the first one died
run 0 models get m
installed
requests | grep -qx "/good/weights.pt bytes=$((size / 2))- -" || fail "the mirror did not go on: $(requests)"
fresh stall
run 7 models get m --timeout 1
has stderr "broke off"
there "$store/content/m/weights.pt.part"
fresh slow
"$voxconv" models get m >stdout 2>stderr &
running=$!
for _ in $(seq 200); do [ -s "$store/content/m/weights.pt.part" ] && break || sleep 0.05; done
kill -TERM $running
wait $running
[ $? = 130 ] || fail "stopping it: $(cat stderr)"
has stderr 'voxconv models get m" goes on from here'
there "$store/content/m/weights.pt.part"

# Parts that are of no use.
fresh good
mkdir -p "$store/content/m"
head -c 1000 files/weights.pt.new >"$store/content/m/weights.pt.part"
run 0 models get m
installed
fresh good
mkdir -p "$store/content/m"
head -c 400000 /dev/zero >"$store/content/m/weights.pt.part"
run 0 models get m
installed
fresh wrongrange plain
mkdir -p "$store/content/m"
head -c 1000 files/weights.pt >"$store/content/m/weights.pt.part"
run 0 models get m
installed

# Servers that give something else. Nothing is left of it.
for way in longer shorter unending flipped html; do
  fresh $way
  run 4 models get m
  has stderr "$base/$way/weights.pt"
  has stderr "--from FILE"
  nothing
done
fresh flipped
run 4 models get m
has stderr "$sum"
fresh ended
run 7 models get m
has stderr "ended after $((size / 2)) of $size bytes"
for way in 404 500 loop away; do
  fresh $way
  run 7 models get m
  has stderr "$base/$way/weights.pt"
  nothing
done
has stderr "http://weights.example/weights.pt"
fresh 500 flipped redirect
run 0 models get m
installed

# No server, no name, no place.
fresh good
sed -i "s#$base#http://127.0.0.1:1#g" catalog.json
run 7 models get m
has stderr "http://127.0.0.1:1/good/weights.pt cannot be reached"
has stderr '"voxconv models get m --from FILE" installs a file that was fetched elsewhere.'
nothing
sed 's#http://127.0.0.1:1/good#https://no-such-host.invalid#g' catalog.json >offline.json
run 7 --json models get m --catalog offline.json
json_lines stdout
has stdout '"code":"network","exit_status":7'
fresh good
touch blocked
XDG_DATA_HOME=$work/blocked run 6 models get m
has stderr "$work/blocked"
sed 's#http://[0-9.:]*/good#http://weights.example#' catalog.json >insecure.json
run 4 models list --catalog insecure.json
has stderr "neither https nor on this machine"
sed 's#content/m/#../#' catalog.json >outside.json
run 4 models list --catalog outside.json
has stderr "leads out of the models folder"
sed 's#"models"#models#' catalog.json >broken.json
run 4 models list --catalog broken.json
has stderr "broken.json"
run 3 models list --catalog missing.json
has stderr "missing.json"

# A file whose checksum nobody publishes.
fresh good
run 2 models get pair --require-checksum
has stderr "config.json"
run 0 models get pair
has stderr "$sum, which is recorded"
run 0 models verify pair
run 0 models path pair
[ "$(cat stdout)" = "$store/content/pair" ] || fail "path of a pair: $(cat stdout)"
cp files/weights.pt.new "$store/content/pair/weights.pt"
run 4 models verify pair
has stdout "was recorded when it was installed"
fresh changed # the file changes while it is fetched, and there is no checksum: what is there is thrown away
run 7 models get pair
there "$store/content/pair/weights.pt.part"
run 0 models get pair
same "$store/content/pair/weights.pt" files/weights.pt.new
requests | grep -qx "/changed/weights.pt bytes=$((size / 2))- \"one\"" || fail "If-Range was not sent: $(requests)"
fresh html
run 4 models get pair
has stderr "it is a page of HTML"
gone "$store/content/pair/weights.pt"

# A mirror from the environment.
fresh good
sed -i 's#http://127.0.0.1:[0-9]*/#https://huggingface.co/#g' catalog.json
VOXCONV_MODEL_MIRROR=$base run 0 models get m
installed

# Two processes at once: one downloads, the other waits and finds it done.
fresh slow
"$voxconv" models get m >first 2>&1 &
first=$!
sleep 0.5
run 0 models get m
wait $first || fail "the first process: $(cat first)"
installed
[ "$(requests | wc -l)" = 1 ] || fail "downloaded twice: $(requests)"

# Files that were fetched elsewhere.
fresh 404
run 0 models get m --from files/weights.pt
installed
fresh 404
run 4 models get m --from files/weights.pt.new
has stderr "files/weights.pt.new"
nothing
cp files/weights.pt flipped.pt
printf x | dd of=flipped.pt bs=1 seek=1000 conv=notrunc status=none
run 4 models get m --from flipped.pt
has stderr "$sum"
nothing
run 3 models get m --from nowhere.pt
has stderr "nowhere.pt"
run 2 models get m pair --from files
has stderr "--from"
run 0 models get pair --from files
same "$store/content/pair/config.json" files/config.json
rm -rf "$store"
run 0 models get pair --from files/weights.pt
same "$store/content/pair/config.json" files/config.json
mkdir half
cp files/weights.pt half
rm -rf "$store"
run 3 models get pair --from half
has stderr "config.json"
printf '<html>' >half/config.json
run 4 models get pair --from half
has stderr "it is a page of HTML"
[ -z "$(requests)" ] || fail "--from asked the server: $(requests)"
finish
