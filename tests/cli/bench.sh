. "$(dirname "$0")/lib.sh"
needs_voice kathleen
command -v python3 >/dev/null || { echo "SKIPPED: no python3" && exit 77; }
run 2 bench kathleen --seconds 0
has stderr "from 0.5 to 36000"
run 2 bench kathleen --repeat 0
run 3 bench nobody
run 3 bench kathleen --source none.wav

run 0 bench kathleen --seconds 1 --repeat 1
has stdout "kathleen (native) on cpu, fp32"
for stage in read content f0 retrieval synthesis post; do has stdout "$stage "; done
has stdout "the machine's peak"

run 2 bench kathleen --files 0
run 0 bench kathleen --seconds 1 --repeat 1 --files 3 --jobs 2
has stdout "3 songs, 2 at the same time"
has stdout "3.0 s of audio"

run 0 --json bench kathleen --source "$data/song.flac" --repeat 2
json_lines stdout
grep '"event":"measured"' stdout >measured.json || fail "no event \"measured\""
python3 - measured.json <<'PYTHON' || fail "the report does not add up"
import json
import sys

report = json.load(open(sys.argv[1]))["report"]
assert report["source_s"] == 4.0, report
assert 0 < report["wall_min_s"] <= report["wall_s"] <= report["wall_max_s"], report
assert abs(report["rtf"] - report["wall_s"] / 4) < 1e-9, report
assert report["load_s"] > 0 and report["peak_gflops"] > 0 and report["peak_memory"] >= report["loaded_memory"] > 0, report
stages = {stage["name"]: stage for stage in report["stages"]}
assert list(stages) == ["read", "content", "f0", "retrieval", "synthesis", "post"], stages
for name in ("content", "f0", "synthesis"):
    assert stages[name]["seconds"] > 0 and stages[name]["gflop"] > 0, stages[name]
assert stages["retrieval"]["seconds"] == 0, stages  # no index was given
assert 0.5 < sum(stage["seconds"] for stage in stages.values()) / report["wall_s"] < 1.01, stages  # one thread: no overlap, little left out
PYTHON
finish
