# Shared by the tests of the command line: source it with the program and the folder of sample recordings. Each test runs in an empty folder
# of its own, with a folder of voices of its own.
set -uo pipefail
readonly voxconv=$1 data=$2
work=$(mktemp -d)
readonly work
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
export VOXCONV_VOICES=$work/voices
export OMP_NUM_THREADS=1
failures=0

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

# run STATUS ARGUMENT...: what it says lies in stdout and stderr
run() {
  local wanted=$1 got=0
  shift
  "$voxconv" "$@" >stdout 2>stderr </dev/null || got=$?
  [ "$got" = "$wanted" ] || fail "voxconv $*: exit status $got, expected $wanted; stderr: $(cat stderr)"
}

has() { grep -qF -- "$2" "$1" || fail "$1 lacks '$2': $(head -c 2000 "$1")"; }
lacks() { ! grep -qF -- "$2" "$1" || fail "$1 has '$2'"; }
empty() { [ ! -s "$1" ] || fail "$1 is not empty: $(head -c 2000 "$1")"; }
there() { [ -s "$1" ] || fail "$1 is missing or empty"; }
gone() { [ ! -e "$1" ] || fail "$1 should not be there"; }
same() { cmp -s "$1" "$2" || fail "$1 and $2 differ"; }
json_lines() { ! grep -qv '^{.*}$' "$1" || fail "$1 has lines that are no JSON objects: $(grep -v '^{.*}$' "$1" | head -n 3)"; }

needs_voice() { # NAME: skips the test, visibly, where the voice does not ship
  "$voxconv" --quiet voices list --names | grep -x "$1" >/dev/null && return # reads to the end: a closed pipe is an error
  echo "SKIPPED: the voice $1 is not here"
  exit 77
}

finish() {
  [ "$failures" = 0 ] && exit 0
  echo "$failures checks failed"
  exit 1
}
