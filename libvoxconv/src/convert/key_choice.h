#pragma once
#include "nn/torch.h"
#include "voxconv/voice.h"

namespace voxconv {

/// The shift in semitones, in [-24, 24], that brings a melody into a voice's range: as many voiced frames as possible inside it, and of
/// shifts that do about equally well the one nearest to none, whole octaves before others (they keep the key of the song). f0 [T] Hz, 0 =
/// unvoiced.
double choose_key(const torch::Tensor& f0, const VoiceInfo& voice);

}  // namespace voxconv
