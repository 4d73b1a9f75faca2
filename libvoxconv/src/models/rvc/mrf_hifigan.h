#pragma once
#include "models/rvc/hifigan_weights.h"

namespace voxconv::rvc {

/// Applio's MRF HiFi-GAN: the network of NSF-HiFi-GAN with other names, an excitation of nine partials and a bias of the last convolution.
HifiGanNames mrf_hifigan_names();

}  // namespace voxconv::rvc
