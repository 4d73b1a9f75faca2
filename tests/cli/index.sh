. "$(dirname "$0")/lib.sh"
run 0 index info "$data/golden/added_tiny.index"
has stdout "IVF20,Flat"
has stdout "800"
run 0 index info "$data/golden/added_tiny.index" --json
json_lines stdout
has stdout '"event":"index_info"'
has stdout '"vectors":800'
head -c 5000 "$data/golden/added_tiny.index" >short.index
run 4 index info short.index
has stderr "before the end of"
run 4 index info "$data/speech.flac"
run 3 index info missing.index

encoder=$data/golden/hubert/layer12
run 0 index build "$data/speech.flac" -o a.index --encoder "$encoder"
has stdout "vectors of 16 numbers"
run 0 index info a.index
run 0 index build "$data/speech.flac" -o b.index --encoder "$encoder" --json
json_lines stdout
has stdout '"event":"index"'
same a.index b.index
run 2 index build "$data/speech.flac" -o c.index
run 2 index build "$data/speech.flac" -o c.index --encoder "$encoder" --voice anna
run 3 index build missing.wav -o c.index --encoder "$encoder"
gone c.index
finish
