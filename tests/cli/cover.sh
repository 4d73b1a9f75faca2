. "$(dirname "$0")/lib.sh"
needs_voice kathleen
export XDG_CACHE_HOME=$work/cache TMPDIR=$work/tmp
mkdir tmp
song=$data/song.flac

# The sample recording has no music beside its voice: which is said, and all of it is converted.
run 0 cover "$song" --voice kathleen -o cover.flac
there cover.flac
has stderr "times real time"
has stderr "no music was found"
run 0 info cover.flac --json
has stdout '"rate":44100'
has stdout 'kathleen' # the tags say which voice it is
run 0 cover "$song" --voice kathleen -o again.flac --json
json_lines stdout
has stdout '"event":"progress","stage":"cover"'
has stdout '"event":"covered"'
has stdout '"from_cache":true'
same cover.flac again.flac
[ "$(ls cache/voxconv/vocals | wc -l)" = 1 ] || fail "the cache holds: $(ls cache/voxconv/vocals)"
rm -r cache
run 0 cover "$song" --voice kathleen -o - --no-cache --format wav
gone cache
[ "$(head -c 4 stdout)" = RIFF ] || fail "no WAV stream on standard output"

# A batch, its stems, and going on.
mkdir in
cp "$song" in/a.flac
head -c 3000 /dev/urandom >in/broken.wav
run 3 cover in --voice kathleen --out-dir out --stems stems -j 2
there out/a-kathleen-cover.flac
there stems/a-vocals.flac
there stems/a-converted.flac
there stems/a-music.flac
has stdout "1 covered, 0 skipped, 1 failed"
rm in/broken.wav
run 0 cover in --voice kathleen --out-dir out --skip-existing
has stdout "0 covered, 1 skipped, 0 failed"

# Damage of a source is told once, however often it is read.
head -c $(($(stat -c %s "$song") / 2)) "$song" >cut.flac
run 0 cover cut.flac --voice kathleen -o cut-cover.flac
[ "$(grep -c "cut.flac ends after" stderr)" = 1 ] || fail "the damage is not told once: $(cat stderr)"

# What the limiter takes off is told.
run 0 cover "$song" --voice kathleen --vocals-gain 24 -o loud.flac
has stderr "limiter at most"

# A key beside the song's.
run 0 cover "$song" --voice kathleen --key 3 -o higher.flac --json
has stdout '"key":3'

# Too short to tell its reverberation: the cover is the same.
run 0 cover "$song" --voice kathleen --reverb none --key 3 -o dry.flac
has stderr "no reverberation was found"
same higher.flac dry.flac

# What cannot be.
run 2 cover "$song" --voice kathleen --reverb half -o x.wav
has stderr "--reverb"
run 2 cover "$song" --voice kathleen --key 3 --wet 0.5 -o x.wav
has stderr "octaves"
gone x.wav
run 2 cover cover.flac --voice kathleen -o cover.flac
for flag in "--backing-key 12" "--backing-gain 3"; do
  run 2 cover "$song" --voice kathleen $flag -o x.wav
  has stderr "${flag% *} requires --backing"
done
run 2 cover "$song" --voice nobody --backing nobody --key 3 --backing-key 1 -o x.wav # told before a voice is looked for
has stderr "they would be out of tune"
run 2 cover - --voice kathleen
run 3 cover missing.wav --voice kathleen -o x.wav
run 6 cover "$song" --voice kathleen -o no/such/folder/x.wav

# Ctrl-C amid an endless song, which comes by a pipe and is kept in a temporary file.
"$voxconv" cover - --raw 16000,1,s16 --voice kathleen -o endless.wav < <(yes) >stdout 2>stderr &
pid=$!
for ((i = 0; i < 600; i++)); do
  ls tmp/*/* >/dev/null 2>&1 && break
  sleep 0.1
done
kill -INT $pid
status=0
wait $pid || status=$?
[ $status = 130 ] || fail "exit status after Ctrl-C: $status: $(cat stderr)"
gone endless.wav
[ -z "$(ls -A tmp)" ] || fail "temporary files are left: $(ls -A tmp)"
finish
