# The shared library gives away what its public headers declare, all of it and nothing else.
. "$(dirname "$0")/lib.sh"
command -v nm >/dev/null || { echo "SKIPPED: no nm" && exit 77; }
library=$(ldd "$voxconv" | awk '/libvoxconv/ {print $3}')
headers=$data/../../libvoxconv/include/voxconv
there "$library"
nm -DC --defined-only "$library" | cut -d' ' -f3- | sort -u >exported
[ "$(wc -l <exported)" -gt 80 ] || fail "only $(wc -l <exported) symbols are exported"

# Nothing of other libraries, nor of inner types.
grep -vE '^((typeinfo|typeinfo name|vtable) for )?voxconv::' exported >foreign
empty foreign
for inner in at::Tensor c10 torch fmt nlohmann faiss 'voxconv::nn::' 'voxconv::eval::' 'voxconv::rvc::' FeatureStream ContentEncoder AtomicFile log_message; do lacks exported "$inner"; done
sed -E 's/^.* for //; s/^voxconv::([A-Za-z0-9_]+).*/\1/' exported | sort -u >names
while read -r name; do grep -qwr -- "$name" "$headers" || fail "no public header knows $name"; done <names

# Of what they declare at least a function of each kind; a class with its members, the types that are thrown and derived from.
for symbol in 'voxconv::open_reader(' 'voxconv::write_formats[abi:cxx11]()' 'voxconv::Converter::run(' 'voxconv::VoiceStore::list() const' 'voxconv::ConvertOptions::from_json(' 'voxconv::prepare_process()' \
  'typeinfo for voxconv::Error' 'typeinfo for voxconv::AudioReader'; do has exported "$symbol"; done
finish
