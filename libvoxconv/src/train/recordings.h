#pragma once
#include <string>
#include <vector>

#include "nn/torch.h"

namespace voxconv::train {

/// Audio files below a folder (by extension), in a stable order. Throws Error(not_found) if the folder is missing or holds none.
std::vector<std::string> find_recordings(const std::string& dir);

/// Decodes one recording to mono 44.1 kHz and cuts it at its pauses into clips of 1 to 10 s without long silence; their lengths are
/// multiples of two hops (one content frame). Recordings past an hour are cut to their first hour. Throws Error(bad_audio).
std::vector<torch::Tensor> load_clips(const std::string& path);

}  // namespace voxconv::train
