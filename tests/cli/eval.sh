. "$(dirname "$0")/lib.sh"
needs_voice kathleen
export XDG_DATA_HOME=$work/data # where no speech recogniser is installed
run 0 eval "$data/speech.flac" --voice kathleen --json eval.json --csv eval.csv --save saved
has stdout "mean"
has eval.json '"secs_target"'
has eval.json '"spectrum_distance_db": null'
has eval.json '"cer": null'
grep -q '"ovrl": [0-9]' eval.json || fail "eval.json has no DNSMOS: $(cat eval.json)"
has stderr '"voxconv models get whisper-base"'
[ "$(head -n 1 eval.csv | tr ',' '\n' | wc -l)" -ge 56 ] || fail "eval.csv has too few columns: $(head -n 1 eval.csv)"
there saved/speech.wav

# The voice's own recordings, and pictures.
run 0 eval "$data/speech.flac" --voice kathleen --reference saved/speech.wav --plots pictures/new --json eval.json
[ "$(head -c 8 pictures/new/speech.png | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ] || fail "pictures/new/speech.png is no PNG"
lacks eval.json '"spectrum_distance_db": null'

# The vocoder alone.
run 2 eval "$data/speech.flac"
has stderr "--vocoder-only"
run 2 eval "$data/speech.flac" --voice kathleen --vocoder-only
run 2 eval "$data/speech.flac" --voice kathleen --language english
has stderr 'no language "english"; it knows en, zh'
run 0 eval "$data/speech.flac" --vocoder-only --save copies --json eval.json
has eval.json '"voice": "native vocoder"'
there copies/speech.wav

# Sources of one name are saved side by side; a recording is never replaced.
mkdir other
cp saved/speech.wav other
run 0 eval "$data/speech.flac" other/speech.wav --voice kathleen --save saved2
there saved2/speech.wav
there saved2/speech-2.wav
run 2 eval other --voice kathleen --save other
has stderr "other/speech.wav would be replaced"
same other/speech.wav saved/speech.wav
run 0 --json eval "$data/speech.flac" --voice kathleen
json_lines stdout
has stdout '"event":"evaluated"'
finish
