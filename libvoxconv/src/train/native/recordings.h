#pragma once
#include <memory>
#include <string>
#include <vector>

#include "models/denoise/denoiser.h"
#include "nn/torch.h"

namespace voxconv::train {

/// Audio files below a folder (find_audio()), in a stable order, but for those below one of the folders `except` that lies in it. Throws
/// Error(not_found) if the folder is missing or holds none.
std::vector<std::string> find_recordings(const std::string& dir, const std::vector<std::string>& except = {});

/// Decodes one recording to mono 44.1 kHz, with less background noise if there is a denoiser, and cuts it at its pauses into clips of 1 to
/// 10 s without long silence; their lengths are multiples of two hops (one content frame). No more than the first `max_seconds` are read.
/// Throws Error(bad_audio).
std::vector<torch::Tensor> load_clips(const std::string& path, std::shared_ptr<const Denoiser> denoiser = nullptr,
                                      double max_seconds = 3600);

}  // namespace voxconv::train
