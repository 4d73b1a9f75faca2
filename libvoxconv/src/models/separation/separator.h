#pragma once
#include <memory>
#include <string>
#include <vector>

#include "nn/torch.h"
#include "voxconv/audio_buffer.h"

namespace voxconv {

/// One pass over a stereo recording. What comes out does not depend on how the recording is cut into pushes.
class SeparationStream {
 public:
  virtual ~SeparationStream() = default;
  /// The next samples of both channels, at the separator's rate; returns the vocals in stereo, as far as later samples cannot change them;
  /// may be none.
  virtual AudioBuffer push(const AudioBuffer& stereo) = 0;
  /// The rest: as many samples in all as came in.
  virtual AudioBuffer finish() = 0;
};

/// A network that finds the vocals of a song. The music is what remains: the song without them. Const and thread-safe.
class SeparationModel {
 public:
  virtual ~SeparationModel() = default;
  virtual int sample_rate() const = 0;
  /// The longest that a sample comes out after it went in, in seconds; also how far around it the audio reaches that it depends on.
  virtual double context_s() const = 0;
  virtual std::unique_ptr<SeparationStream> start() const = 0;
};

/// The names that load_separation_model() knows; the first is the default.
const std::vector<std::string>& separation_models();

/// Throws Error(usage) for an unknown name, Error(not_found | bad_model) where its weights are missing or damaged.
std::shared_ptr<const SeparationModel> load_separation_model(const std::string& name, torch::Device device, torch::ScalarType precision);

}  // namespace voxconv
