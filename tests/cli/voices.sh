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
finish
