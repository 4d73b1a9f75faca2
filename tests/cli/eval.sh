. "$(dirname "$0")/lib.sh"
needs_voice kathleen
run 0 eval "$data/speech.flac" --voice kathleen --json eval.json --csv eval.csv --save saved
has stdout "mean"
has eval.json '"secs_target"'
[ "$(head -n 1 eval.csv | tr ',' '\n' | wc -l)" -ge 9 ] || fail "eval.csv has too few columns: $(head -n 1 eval.csv)"
there saved/speech.wav
run 0 --json eval "$data/speech.flac" --voice kathleen
json_lines stdout
has stdout '"event":"evaluated"'
finish
