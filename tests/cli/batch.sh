. "$(dirname "$0")/lib.sh"
needs_voice kathleen
mkdir -p in/deep
cp "$data/song.flac" in/one.flac
cp "$data/speech.flac" in/deep/two.flac
head -c 3000 /dev/urandom >in/broken.wav
cp "$data/speech.flac" in/deep/unnamed
echo text >in/notes.txt

# A folder: one failing file does not stop the rest, and sets the exit status.
run 3 convert in --voice kathleen --out-dir out --format wav --name-template '{stem}.{voice}.{key}.{ext}' --key +2 -j 2
there out/one.kathleen.+2.wav
there out/deep/two.kathleen.+2.wav
has stderr "broken.wav"
there out/deep/unnamed.kathleen.+2.wav
has stderr "in/notes.txt: left out, it holds no sound"
has stdout "3 converted, 0 skipped, 1 failed, 1 left out"

rm in/broken.wav in/deep/unnamed
run 0 convert in --voice kathleen --out-dir out --format wav --name-template '{stem}.{voice}.{key}.{ext}' --key +2 --skip-existing --json
json_lines stdout
has stdout '"event":"skipped"'
has stdout '"converted":0,"skipped":2,"failed":0,"left_out":1'
has stdout '"event":"left_out","source":"in/notes.txt","reason":"it holds no sound"'

# A pattern, beside the sources.
run 0 convert 'in/*.flac' --voice kathleen --quiet
there in/one-kathleen.flac

# The same again: results beside the sources are none, whether found or named.
run 0 convert in --voice kathleen --skip-existing
has stdout "1 converted, 1 skipped, 0 failed, 2 left out"
has stderr "in/one-kathleen.flac: left out, it is the result of another source"
there in/deep/two-kathleen.flac
run 0 convert in/*.flac --voice kathleen --skip-existing
has stdout "0 converted, 1 skipped, 0 failed"
gone in/one-kathleen-kathleen.flac

# A recording is never replaced, not even by another one's conversion.
cp "$data/song.flac" in/deep/two2.flac
run 2 convert in --voice kathleen --name-template '{stem}2.{ext}'
has stderr "in/deep/two2.flac is a source and would be replaced by what is made of in/deep/two.flac"
same in/deep/two2.flac "$data/song.flac"
gone in/one2.flac

run 2 convert in --voice kathleen --out-dir out2 --name-template '{title}.wav'
run 2 convert in/deep/two.flac in/deep/two2.flac --voice kathleen --out-dir out2 --name-template 'same.wav'
has stderr "in/deep/two2.flac: Its result would be written to out2/same.wav, as that of in/deep/two.flac"
has stdout "1 converted, 0 skipped, 1 failed"
finish
