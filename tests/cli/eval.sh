. "$(dirname "$0")/lib.sh"
needs_voice kathleen
run 0 eval "$data/speech.flac" --voice kathleen --json eval.json --csv eval.csv --save saved
has stdout "mean"
has eval.json '"secs_target"'
[ "$(head -n 1 eval.csv | tr ',' '\n' | wc -l)" -ge 9 ] || fail "eval.csv has too few columns: $(head -n 1 eval.csv)"
there saved/speech.wav

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
