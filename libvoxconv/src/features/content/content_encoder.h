#pragma once
#include <memory>
#include <string>

#include "nn/torch.h"

namespace voxconv {

/// Carries the words of speech or singing. Weights are const: one instance may be used from several threads.
class ContentEncoder {
 public:
  virtual ~ContentEncoder() = default;
  virtual std::int64_t dim() const = 0;
  /// 16 kHz audio [N] (at most 30 s) -> [frame_count(N), dim] on the 100 Hz clock. No gradient.
  virtual torch::Tensor encode(const torch::Tensor& audio) const = 0;
  /// Windows of one length [B, N], each by itself -> [B, frame_count(N), dim]; on a GPU as one.
  virtual torch::Tensor encode_windows(const torch::Tensor& audio) const;
  /// The encoder's own frames [n, dim], of audio of any length, before encode() puts them on the 100 Hz clock.
  virtual torch::Tensor encode_frames(const torch::Tensor& audio) const { return encode(audio); }
  /// How often encode() gives each of its own frames in a row: 2 for an encoder of 50 frames a second that RVC repeats; 1: interpolated.
  virtual std::int64_t repeats() const { return 1; }
};

/// "whisper-base", or "<family>/layer12" and "<family>/layer9-projection" of a HuBERT of the base size, where <family> is a name of the
/// model catalog (contentvec, spin, ...) or the path of a file or folder with weights. Throws Error(not_found | bad_model).
std::shared_ptr<const ContentEncoder> load_content_encoder(const std::string& name, torch::Device device, torch::ScalarType precision);

}  // namespace voxconv
