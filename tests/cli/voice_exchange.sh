# A voice goes out as an archive and comes back.
. "$(dirname "$0")/lib.sh"
needs_voice kathleen
run 0 voices info kathleen
has stdout "licence"
run 0 voices verify kathleen
has stdout "sound"
run 0 voices export kathleen -o kathleen.zip
there kathleen.zip
run 0 voices import kathleen.zip --name back
run 0 voices list --names
grep -qx back stdout || fail "the imported voice is not listed"
run 0 voices verify back
run 2 voices import kathleen.zip --name back # there already
run 2 voices rm kathleen                     # ships with voxconv

# Damage is found, and a damaged voice does not sing.
printf 'x' | dd of="$VOXCONV_VOICES/back/weights.safetensors" bs=1 seek=50000 conv=notrunc status=none
run 4 voices verify back
run 4 convert "$data/speech.flac" --voice back -o out.wav
gone out.wav
run 0 voices rm back
gone "$VOXCONV_VOICES/back"
finish
