#include "convert/ingredients.h"
#include "convert/voice_impl.h"
#include "core/boundary.h"
#include "models/bundle.h"
#include "models/voice_file.h"
#include "nn/device.h"

namespace voxconv {

Voice Voice::load(const std::string& name_or_path, const LoadOptions& options) { return load(name_or_path, options, ConvertOptions{}); }

Voice Voice::load(const std::string& name_or_path, const LoadOptions& options, const ConvertOptions& use) try {
  use.validate();
  nn::set_threads(options.threads, options.jobs);
  Impl parts;
  parts.device = nn::select_device(options.device);
  parts.precision = nn::select_precision(options.precision, parts.device);
  parts.info = VoiceStore().find(name_or_path);
  if (!is_voice_file(parts.info.path)) check_weights(read_bundle(parts.info.path));
  parts.model = load_voice_model(parts.info.path, parts.device, parts.precision);
  check_use(parts, use);
  parts.content = load_content_encoder(parts.model->content_encoder(), parts.device, parts.precision);
  return Voice(std::make_shared<const Impl>(std::move(parts)));
} catch (...) {
  throw_as_error();
}

const VoiceInfo& Voice::info() const { return impl_->info; }

}  // namespace voxconv
