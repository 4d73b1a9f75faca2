#pragma once
#include <memory>
#include <string>
#include <vector>

#include "nn/torch.h"
#include "voxconv/audio_buffer.h"

namespace voxconv {

inline constexpr const char *vocals_stem = "vocals", *music_stem = "music", *lead_stem = "lead", *backing_stem = "backing";

/// One pass over a stereo recording. What comes out does not depend on how the recording is cut into pushes.
class SeparationStream {
 public:
  virtual ~SeparationStream() = default;
  /// The next samples of both channels, at the separator's rate; returns each stem of start() in stereo, all of one length: as far as later
  /// samples cannot change them; may be none.
  virtual std::vector<AudioBuffer> push(const AudioBuffer& stereo) = 0;
  /// The rest: as many samples in all as came in.
  virtual std::vector<AudioBuffer> finish() = 0;
};

/// A network that finds the vocals of a song, and perhaps other parts. The music is what remains: the song without the vocals. Const and
/// thread-safe.
class SeparationModel {
 public:
  virtual ~SeparationModel() = default;
  virtual int sample_rate() const = 0;
  /// What it can tell apart, in its own order; "vocals" is among them, "music" is not.
  virtual const std::vector<std::string>& stems() const = 0;
  /// Whether its vocals are the lead voice alone, as a karaoke model finds it: other voices are left in the music.
  virtual bool vocals_are_lead() const { return false; }
  /// The longest that a sample comes out after it went in, in seconds; also how far around it the audio reaches that it depends on.
  virtual double context_s() const = 0;
  /// `wanted`: some of stems(), each once; a model need not compute the others. The stream keeps the model alive.
  virtual std::unique_ptr<SeparationStream> start(const std::vector<std::string>& wanted) const = 0;
};

/// What load_separation_model() has loaded.
struct LoadedSeparator {
  std::shared_ptr<const SeparationModel> model;
  std::string name;                ///< of a shipped or installed one its name, else that of its file, for people
  std::vector<std::string> files;  ///< that it was made from; none: it ships
};

/// The separators that ship, by name; the first is the default.
const std::vector<std::string>& separation_models();

/// `model`: one of separation_models(); the name of an installed separator of the model catalog; or a file that people have: a checkpoint
/// of any architecture of models/separation/architecture.h, or the .yaml of a bag (models/separation/bag.h). `settings`: the .yaml that
/// belongs to a checkpoint; empty: the one beside it. Throws Error(usage) for an unknown name, Error(not_found) for a missing file or a
/// model that is not installed, Error(bad_model).
LoadedSeparator load_separation_model(const std::string& model, const std::string& settings, torch::Device device,
                                      torch::ScalarType precision);

}  // namespace voxconv
