. "$(dirname "$0")/lib.sh"
needs_voice kathleen
export XDG_CACHE_HOME=$work/cache

# A song with music: the cover is the music and the converted vocals, which sing the melody that the singer sang.
mixed=$data/song_with_music.ogg
field() { sed -n "s/.*\"$1\":\([^,}]*\).*/\1/p" covered; } # of the event in the file
cover_of_mixed() {
  run 0 cover "$mixed" "$@" --json
  grep '"event":"covered"' stdout >covered
}
cover_of_mixed --voice kathleen --format wavf -o mixed.wav --stems mixed
[ "$(field has_vocals) $(field has_music) $(field from_cache)" = "true true false" ] || fail "of a song with music: $(cat covered)"
for stem in vocals converted; do
  run 0 f0 "mixed/song_with_music-$stem.flac" --f0 pyin -o "$stem.csv"
done
# Pearson's correlation of the logarithms where both are voiced.
paste -d, vocals.csv converted.csv | awk -F, '$2 > 0 && $4 > 0 {x = log($2); y = log($4); n++; sx += x; sy += y; sxx += x * x; syy += y * y; sxy += x * y}
  END {r = n > 100 ? (n * sxy - sx * sy) / sqrt((n * sxx - sx * sx) * (n * syy - sy * sy)) : 0; print r, n; exit !(r >= 0.97)}' >correlation ||
  fail "the converted vocals have another melody (correlation, frames): $(cat correlation)"
peak_below() { # DB FILTER INPUT...: of the sum that the filter makes
  local bound=$1 filter=$2 inputs=()
  shift 2
  for input in "$@"; do inputs+=(-i "$input"); done
  ffmpeg -hide_banner -nostats "${inputs[@]}" -filter_complex "$filter,astats=measure_perchannel=none:measure_overall=Peak_level" -f null - 2>levels
  awk -v bound="$bound" '/Peak level/ {found = 1; if ($NF != "-inf" && $NF > bound) bad = 1} END {exit bad || !found}' levels
}
if command -v ffmpeg >/dev/null; then
  [ "$(field limiter_gain_db)" = 0.0 ] || fail "the limiter works, so the music cannot be compared: $(cat covered)"
  less="[0]volume=$(awk -v gain="$(field gain_db)" 'BEGIN {print -gain}')dB[a];[1]volume=-1[b];[2]volume=-1[c];[a][b][c]amix=inputs=3:normalize=0"
  peak_below -90 "$less" mixed.wav mixed/song_with_music-converted.flac mixed/song_with_music-music.flac ||
    fail "cover less converted vocals is not the music: $(cat levels)"
  ffmpeg -v error -i "$mixed" -c:a pcm_f32le mixed-song.wav
  peak_below -90 "[1]volume=-1[b];[2]volume=-1[c];[0][b][c]amix=inputs=3:normalize=0" mixed-song.wav mixed/song_with_music-vocals.flac \
    mixed/song_with_music-music.flac || fail "vocals and music are not the song: $(cat levels)"
fi

# A second voice takes the vocals from the cache, which keeps what fits into it; a song by a pipe is the same.
if "$voxconv" --quiet voices list --names | grep -x kumi >/dev/null; then second=kumi; else second=kathleen; fi
cover_of_mixed --voice $second -o second.flac
[ "$(field from_cache) $(field separate_s)" = "true 0.0" ] || fail "the vocals were separated again for a second voice: $(cat covered)"
if command -v ffmpeg >/dev/null; then
  run 0 cover mixed-song.wav --voice $second --no-cache -o from-file.flac
  "$voxconv" cover - --voice $second -o piped.flac <mixed-song.wav 2>stderr || fail "a song by a pipe: $(cat stderr)"
  same from-file.flac piped.flac
fi
cover_of_mixed --voice $second -o second.flac --cache-size 0.0001
[ "$(field from_cache)" = true ] || fail "what was kept is used before it goes"
[ -z "$(ls cache/voxconv/vocals)" ] || fail "the cache is larger than it may be: $(ls -l cache/voxconv/vocals)"
cover_of_mixed --voice $second -o second.flac --cache-size 0.0001
has stdout "are not kept for the next voice: they take"
[ "$(field from_cache)" = false ] || fail "vocals came from an empty cache"

# Events of a batch tell what that of a single song tells.
mkdir -p batch
cp "$mixed" batch
fields() { grep -o '"[a-z_0-9]*":' "$1" | sort; }
fields covered >single
run 0 cover batch --voice kathleen --out-dir batched --json
grep '"event":"covered"' stdout >covered
fields covered | cmp -s - single || fail "fields of a batch: $(fields covered | diff - single)"

# Noise is taken out of the vocals before they are converted: the rests get quieter, and the music is what it was.
if command -v ffmpeg >/dev/null; then
  ffmpeg -v error -f lavfi -i "anoisesrc=r=44100:d=14:c=white:a=0.05:seed=1" -i "$mixed" -filter_complex \
    "[0]pan=stereo|c0=c0|c1=c0[n];[1]apad=pad_dur=6[s];[s][n]amix=inputs=2:normalize=0:duration=shortest" -c:a pcm_f32le noisy.wav
  for way in "" --denoise; do
    run 0 cover noisy.wav --voice kathleen --stems "noisy$way" -o "out$way.wav" --format wavf $way
  done
  same noisy/noisy-music.flac noisy--denoise/noisy-music.flac
  same noisy/noisy-vocals.flac noisy--denoise/noisy-vocals.flac
  rests() { # where nobody sings
    ffmpeg -hide_banner -nostats -i "$1" -af "atrim=start=9.5,astats=measure_perchannel=none:measure_overall=RMS_level" -f null - 2>&1 |
      awk '/RMS level/ {print $NF == "-inf" ? -150 : $NF}'
  }
  noisy=$(rests noisy/noisy-converted.flac) quiet=$(rests noisy--denoise/noisy-converted.flac)
  awk -v a="$noisy" -v b="$quiet" 'BEGIN {exit !(b < a - 3)}' || fail "the rests of converted vocals: $noisy dB, denoised $quiet dB"
fi

# Backing vocals take a karaoke model; one of random numbers shows that the parts arrive.
printf '{"format_version": 1, "models": []}\n' >none.json
VOXCONV_CATALOG=none.json run 2 cover "$mixed" --voice kathleen --backing $second -o no.flac
has stderr '"voxconv models get melband-roformer-karaoke" fetches one'
gone no.flac
sed 's/target_instrument: vocals/target_instrument: karaoke/' "$data/golden/roformer/mel.yaml" >karaoke.yaml
karaoke=(--model "$data/golden/roformer/mel.ckpt" --model-config karaoke.yaml)
cover_of_mixed --voice kathleen --backing $second "${karaoke[@]}" --stems choir -o choir.flac
has covered '"backing":{"found":true,'
for stem in vocals converted music backing converted-backing; do there "choir/song_with_music-$stem.flac"; done

# A melody from a file is the lead voice's.
run 0 cover "$mixed" --voice kathleen --backing $second "${karaoke[@]}" --stems melody --f0-file vocals.csv -o melody.flac
same melody/song_with_music-converted-backing.flac choir/song_with_music-converted-backing.flac
cmp -s melody/song_with_music-converted.flac choir/song_with_music-converted.flac && fail "the melody of the file was not sung"
finish
