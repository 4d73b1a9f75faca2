. "$(dirname "$0")/lib.sh"
run 0 f0 "$data/song.flac" --f0 pyin -o f0.csv
there f0.csv
has stdout "voiced"
# 4 s at 100 frames a second, most of it sung between 100 and 1000 Hz.
awk -F, '$1 + 0 == $1 && ++n && $2 > 0 {v++; if ($2 < 100 || $2 > 1000) out++} END {exit !(n > 300 && v > n / 3 && out < v / 20)}' f0.csv ||
  fail "implausible pitch: $(head -n 5 f0.csv)"
run 0 f0 "$data/song.flac" --f0 pyin -o f0.npy --json
json_lines stdout
has stdout '"event":"progress","stage":"f0"'
has stdout '"event":"f0"'
[ "$(head -c 6 f0.npy | tail -c 5)" = NUMPY ] || fail "f0.npy is no NPY file"
run 0 f0 "$data/song.flac" --f0 pyin -o f0.png --quiet
[ "$(head -c 4 f0.png | tail -c 3)" = PNG ] || fail "f0.png is no PNG file"
empty stderr # no progress bar in a pipe
# Devices and pipes are written to, not replaced.
for kind in csv png; do
  mkfifo pipe.$kind
  cat pipe.$kind >through.$kind &
  run 0 f0 "$data/song.flac" --f0 pyin -o pipe.$kind
  wait
  [ -p pipe.$kind ] || fail "pipe.$kind was replaced"
done
same through.csv f0.csv
same through.png f0.png
ln -s linked-to.png link.png
touch linked-to.png
run 0 f0 "$data/song.flac" --f0 pyin -o link.png
[ -L link.png ] || fail "link.png was replaced"
same linked-to.png f0.png

# What another writer has of the same name stays as it is.
(
  for name in .voxconv.$BASHPID.tmp .voxconv.$BASHPID.1.tmp; do echo "another writer's" >"$name"; done
  exec "$voxconv" --quiet f0 "$data/song.flac" --f0 pyin -o beside.png
) || fail "beside what another writer has"
there beside.png
[ "$(cat .voxconv.*.tmp | sort -u)" = "another writer's" ] || fail "what another writer has was changed"
[ "$(ls -A | grep -c '^\.voxconv')" = 2 ] || fail "a temporary file is left: $(ls -A)"
rm -f .voxconv.*.tmp

# A name that is no UTF-8 stands above the same picture.
cp "$data/song.flac" $'caf\xe9.flac'
cp "$data/song.flac" cafe.flac
run 0 f0 $'caf\xe9.flac' --f0 pyin -o latin1.png
run 0 f0 cafe.flac --f0 pyin -o ascii.png
[ "$(wc -c <latin1.png)" -gt $(($(wc -c <ascii.png) * 9 / 10)) ] || fail "latin1.png lacks the pitch"

# An empty pipe is said to be one, and nohup holds. A limit of the size of files is an error of writing like any other.
run 3 f0 - --f0 pyin -o empty.csv
has stderr "standard input is empty"
# A file in the place of standard input is not waited for: a fifo that nobody writes to is.
mkfifo waits
(trap '' HUP && exec "$voxconv" --quiet f0 waits --f0 pyin -o kept.csv) 2>stderr &
pid=$!
exec 9>waits # both ends are open now
sleep 0.5
kill -HUP $pid
cat "$data/song.flac" >&9
exec 9>&-
wait $pid || fail "SIGHUP under nohup: $?: $(cat stderr)"
there kept.csv
status=0
(ulimit -f 8 && exec "$voxconv" --quiet f0 "$data/song.flac" --f0 pyin -o limited.png) 2>stderr || status=$?
[ $status = 6 ] || fail "exit status beyond the limit of files: $status: $(cat stderr)"
has stderr "File too large"
gone limited.png
[ -z "$(ls -A | grep '\.tmp$')" ] || fail "left: $(ls -A)"

# Reports of progress: of a pipe, which is read packet by packet, the first, the last and ten a second in between.
begin=$EPOCHREALTIME
"$voxconv" --json f0 - --f0 pyin -o piped.csv <"$data/song.flac" >stdout 2>stderr || fail "a pipe: $(cat stderr)"
tenths=$((($(tr -d .,' ' <<<"$EPOCHREALTIME") - $(tr -d .,' ' <<<"$begin")) / 100000 + 1))
reports=$(grep -c '"event":"progress"' stdout)
[ "$reports" -ge 2 ] && [ "$reports" -le $((tenths + 2)) ] || fail "$reports reports of progress in $tenths tenths of a second"
grep '"event":"progress"' stdout | tail -n 1 | grep -q '"done":4\.' || fail "the last report is missing: $(grep progress stdout | tail -n 1)"

run 6 f0 "$data/song.flac" --f0 pyin -o no/such/folder/f0.png
run 3 f0 missing.wav -o f0.csv
run 2 f0 "$data/song.flac" --f0 guess -o f0.csv
finish
