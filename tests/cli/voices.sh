. "$(dirname "$0")/lib.sh"
run 0 voices list
run 0 voices list --json
json_lines stdout
run 3 voices info no-such-voice
has stderr "no-such-voice"
run 3 voices rm no-such-voice

# Folders and archives that are no sound bundles are refused, and leave nothing.
mkdir bundle
run 4 voices import bundle
echo '{"format_version": 1}' >bundle/voice.json
run 4 voices import bundle
head -c 500 /dev/urandom >bad.zip
run 4 voices import bad.zip
run 3 voices import missing.zip
run 2 voices import bundle --name 'Not A Name'
[ -z "$(find "$VOXCONV_VOICES" -mindepth 1 2>/dev/null)" ] || fail "an import left something: $(find "$VOXCONV_VOICES")"

run 4 voices verify ./bundle

# A name that is not UTF-8 is a name: the title is read as Latin-1, and events stay JSON.
mkdir latin
cp "$data/golden/rvc/v2_40k.pth" $'latin/caf\xe9.pth'
run 0 --json voices import $'latin/caf\xe9.pth'
has stdout '"name":"caf"'
has "$VOXCONV_VOICES/caf/voice.json" '"title": "café"'
run 0 --json info $'latin/caf\xe9.pth'
iconv -f UTF-8 -t UTF-8 stdout >/dev/null || fail "the event is not UTF-8: $(cat stdout)"
run 0 --json voices info caf
has stdout '"title":"café"'
run 0 voices import "$data/golden/rvc/v2_40k.pth" --name titled --title $'\xdcber'
has "$VOXCONV_VOICES/titled/voice.json" '"title": "Über"'
finish
