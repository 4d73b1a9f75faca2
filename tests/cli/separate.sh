. "$(dirname "$0")/lib.sh"
needs_voice kathleen # the weights that ship are here
song=$data/song.flac

run 0 separate "$song" -o stems
there stems/song-vocals.flac
there stems/song-music.flac
has stderr "times real time"
lacks stderr $'\r' # no progress bar in a pipe
run 0 info stems/song-music.flac --json
has stdout '"rate":44100'
has stdout '"channels":1' # of a mono song

# The stems add up to the song.
if command -v ffmpeg >/dev/null; then
  ffmpeg -nostats -i stems/song-vocals.flac -i stems/song-music.flac -i "$song" -filter_complex \
    '[2]volume=-1[c];[0][1][c]amix=inputs=3:normalize=0,astats=measure_perchannel=none:measure_overall=Peak_level' -f null - 2>levels
  awk '/Peak level/ {found = 1; if ($NF != "-inf" && $NF > -90) bad = 1} END {exit bad || !found}' levels || fail "vocals + music is not the song: $(cat levels)"
fi

# Odd ones: shorter than a second at 8 kHz, silence, a file that was cut off, one without sound.
head -c 4800 /dev/urandom >short.raw
run 0 separate short.raw --raw 8000,1,s16 -o odd
there odd/short-music.flac
run 0 info odd/short-vocals.flac --json
has stdout '"frames":2400'
head -c 16000 /dev/zero >silent.raw
run 0 separate silent.raw --raw 8000,1,s16 -o odd
has stderr "no vocals were found"
head -c $(($(stat -c %s "$song") / 2)) "$song" >cut.flac
run 0 separate cut.flac -o odd
has stderr "cut.flac ends after"
: >empty.wav
run 3 separate empty.wav -o odd
has stderr "empty.wav is empty"

# One stem, events, and a batch that goes on.
run 0 separate "$song" --stems music --format wav -o one --json
json_lines stdout
has stdout '"event":"progress","stage":"separate"'
grep '"event":"separated"' stdout >single
has single '"stems":{"music":"one/song-music.wav"}'
there one/song-music.wav
gone one/song-vocals.wav
mkdir -p in
cp "$song" in/a.flac
head -c 3000 /dev/urandom >in/broken.wav
run 3 separate in -o out
there out/a-vocals.flac
has stdout "1 separated, 0 skipped, 1 failed"
rm in/broken.wav
run 0 separate in -o out --json # a batch tells what a single song tells
grep '"event":"separated"' stdout >event
has event '"stems":{"music":"out/a-music.flac","vocals":"out/a-vocals.flac"}'
fields() { grep -o '"[a-z_0-9]*":' "$1" | grep -v '"vocals":' | sort; } # of both; the batch has one stem more
fields event | cmp -s - <(fields single) || fail "fields of a batch: $(fields event | diff - <(fields single))"
run 0 separate in -o out --skip-existing
has stdout "0 separated, 1 skipped, 0 failed"
# Stems beside their songs are no songs.
run 0 separate in -o in
run 0 separate in -o in --skip-existing
gone in/a-music-vocals.flac
gone in/a-vocals-vocals.flac

# Pipes.
"$voxconv" separate - --stems vocals -o - <"$song" >piped.wav 2>stderr || fail "piping: $(cat stderr)"
[ "$(head -c 4 piped.wav)" = RIFF ] || fail "no WAV stream on standard output"

"$voxconv" separate - --stems vocals --format mp3 -o - <"$song" >piped.mp3 2>stderr || fail "piping: $(cat stderr)"
[ "$(head -c 3 piped.mp3)" = ID3 ] || fail "no MP3 on standard output"
run 2 separate "$song" --model-config nothing.yaml -o no
has stderr "nothing.yaml"
run 0 separate "$song" --stems vocals -o some
run 0 separate "$song" --skip-existing -o some
there some/song-music.flac

# RoFormer separators: a checkpoint with its settings beside it, under its name, or named.
networks=$data/golden/roformer
run 0 separate "$song" --model "$networks/mel.ckpt" --format wavf -o mel
there mel/song-vocals.wav
there mel/song-music.wav
run 0 separate "$song" --model "$networks/bs.ckpt" --stems drums --format wavf -o bs
there bs/song-drums.wav
gone bs/song-vocals.wav
cp "$networks/mel.ckpt" alone.ckpt
run 3 separate "$song" --model alone.ckpt -o no
has stderr "alone.yaml"
run 0 separate "$song" --model alone.ckpt --model-config "$networks/mel.yaml" --stems vocals --format wavf -o named-settings
same named-settings/song-vocals.wav mel/song-vocals.wav
run 4 separate "$song" --model alone.ckpt --model-config "$networks/bs.yaml" -o no
has stderr "they do not belong together"
head -c 200000 "$networks/mel.ckpt" >cut.ckpt
run 4 separate "$song" --model cut.ckpt --model-config "$networks/mel.yaml" -o no
has stderr "cut.ckpt"
gone no
run 0 info "$networks/mel.ckpt"
has stdout "MelBand-RoFormer and BS-RoFormer (separator)"
has stdout "safe: only tensors and plain data"

# A karaoke model tells lead voice and backing vocals apart, beside one that finds all vocals; without one it is said how to get it.
sed 's/target_instrument: vocals/target_instrument: karaoke/' "$networks/mel.yaml" >karaoke.yaml
run 0 separate "$song" --model "$networks/mel.ckpt" --model-config karaoke.yaml --stems lead,backing,music,vocals --format wavf -o choir
for stem in lead backing music vocals; do there "choir/song-$stem.wav"; done
if command -v ffmpeg >/dev/null; then
  ffmpeg -nostats -i choir/song-lead.wav -i choir/song-backing.wav -i choir/song-music.wav -i "$song" -filter_complex \
    '[3]volume=-1[c];[0][1][2][c]amix=inputs=4:normalize=0,astats=measure_perchannel=none:measure_overall=Peak_level' -f null - 2>levels
  awk '/Peak level/ {found = 1; if ($NF != "-inf" && $NF > -90) bad = 1} END {exit bad || !found}' levels || fail "lead + backing + music is not the song: $(cat levels)"
fi
run 0 separate "$song" --stems vocals --format wavf -o all-vocals
same all-vocals/song-vocals.wav choir/song-vocals.wav
printf '{"format_version": 1, "models": []}\n' >none.json
VOXCONV_CATALOG=none.json run 2 separate "$song" --stems lead,backing -o no
has stderr 'spleeter does not tell backing vocals from the lead voice'
has stderr '"voxconv models get melband-roformer-karaoke" fetches one'

# Files of other programs, a bag of them, and the same by a name of the catalog.
package=$data/golden/htdemucs/small.th
run 0 separate "$song" --model "$package" --stems all --format wavf -o apart
for stem in vocals music drums bass other; do there "apart/song-$stem.wav"; done
run 0 separate "$song" --model "$package" --stems drums --format wavf -o drums --json
json_lines stdout
has stdout '"stems":{"drums":"drums/song-drums.wav"}'
same drums/song-drums.wav apart/song-drums.wav
gone drums/song-vocals.wav
run 2 separate "$song" --model "$package" --stems guitar -o wrong
has stderr 'There is no stem "guitar"; small.th finds vocals, music, drums, bass, other.'
run 0 info "$package"
has stdout "HTDemucs (separator)"
has stdout "safe: only tensors and plain data"
mkdir bag
cp "$package" bag/aaaa-11111111.th
cp "$package" bag/bbbb-22222222.th
printf 'models: [aaaa, bbbb]\nweights: [[1, 0, 0, 0], [0, 1, 1, 1]]\n' >bag/bag.yaml
run 0 separate "$song" --model bag/bag.yaml --stems drums --format wavf -o bagged
same bagged/song-drums.wav apart/song-drums.wav
rm bag/bbbb-22222222.th
run 3 separate "$song" --model bag/bag.yaml -o no
has stderr "bbbb-....th is not beside it"
cat >catalog.json <<TEXT
{"format_version": 1, "models": [{"name": "htdemucs", "kind": "separator", "licence": "MIT",
 "files": [{"path": "separation/htdemucs/small.th", "urls": ["https://models.example/small.th"]}]}]}
TEXT
export VOXCONV_CATALOG=$work/catalog.json XDG_DATA_HOME=$work/data
run 3 separate "$song" --model htdemucs -o no
has stderr '"voxconv models get htdemucs" fetches it'
run 0 models get htdemucs --from "$package"
run 0 separate "$song" --model htdemucs --stems drums --format wavf -o named
same named/song-drums.wav apart/song-drums.wav

# What is no separator: one sentence each, and nothing is made.
head -c 100000 "$package" >cut.th
run 4 separate "$song" --model cut.th -o no
has stderr "cut.th"
run 4 separate "$song" --model "$data/golden/rvc/v2_40k.pth" -o no
has stderr "v2_40k.pth is a voice of rvc, not a separator."
run 4 separate "$song" --model "$song" -o no
has stderr "is no model file"
run 3 separate "$song" --model gone.ckpt -o no
has stderr "gone.ckpt does not exist"
run 2 separate "$song" --model nonsense -o no
has stderr 'There is no separator "nonsense"; use one of spleeter, htdemucs'
cp "$package" separator.ckpt
run 4 convert "$song" --voice separator.ckpt -o no.wav
has stderr "is not a voice that voxconv can read"
gone no
gone no.wav

# Failures leave nothing.
run 2 separate "$song" -o -
run 2 separate "$song" --stems drums -o stems2
run 3 separate missing.wav -o stems2
head -c 5000 "$song" | tail -c 4000 >noise.flac
run 3 separate noise.flac -o stems2
gone stems2/noise-vocals.flac
touch file
run 6 separate "$song" -o file/stems
finish
