# The completion scripts and the manual page.
. "$(dirname "$0")/lib.sh"
for shell in bash zsh fish; do
  run 0 completions $shell
  there stdout
  has stdout "skip-existing"
done

run 0 completions bash
cp stdout completion.bash
cat >voices.sh <<'TEXT'
voxconv() { [ "$2" = models ] && echo "clara" || printf 'anna\nboris\n'; }
TEXT
complete_line() { # WORDS...: what bash would offer for the last one
  bash --norc -c '. ./voices.sh; . ./completion.bash; COMP_WORDS=(voxconv "$@"); COMP_CWORD=$#; _voxconv; printf "%s\n" "${COMPREPLY[@]}"' _ "$@" >offered 2>errors ||
    fail "completion of $*: $(cat errors)"
}
offers() { grep -qx -- "$1" offered || fail "not offered: $1; but $(tr '\n' ' ' <offered)"; }
complete_line con && offers convert
complete_line voices i && offers info && offers import
complete_line convert --vo && offers --voice
complete_line convert song.wav --dev && offers --device
complete_line convert --voice a && offers anna
complete_line convert --f0 p && offers pyin
complete_line voices rm b && offers boris
complete_line --quiet voices ver && offers verify
complete_line models g && offers get
complete_line models get c && offers clara

run 0 man
has stdout '.TH VOXCONV 1'
has stdout '.SS voxconv voices import'
has stdout '\-\-skip\-existing'
if command -v man >/dev/null && command -v groff >/dev/null; then
  MANWIDTH=100 man --warnings -l stdout >page.txt 2>warnings || fail "man cannot read the page"
  empty warnings
  has page.txt "--name-template"
fi
finish
