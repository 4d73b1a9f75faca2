#pragma once
#include "nn/torch.h"

namespace voxconv {

/// How much weaker the odd multiples of a frame's pitch are than the even ones beside them, [T] in dB: the median over the multiples up to
/// 4 kHz. About 0 for a pitch that is right, clearly below where it is an octave low: then the odd multiples lie between the harmonics, and
/// hold a rough voice's subharmonics at most. Taken at the speed at which the pitch stands still, by the contour of `hz` around the frame:
/// in a fall at the end of a note the harmonics would else be too wide to tell. 0 where it cannot be told. `audio` [N] of 16 kHz, `hz` [T]
/// on the frame clock, 0 = unvoiced.
torch::Tensor odd_multiples_db(const torch::Tensor& audio, const torch::Tensor& hz);

/// `hz` with the passages raised by an octave whose odd multiples are some 8 dB weak: a growl or rasp shows estimators a period of two
/// glottal cycles. A passage is changed as a whole, by the cheapest way through it on which jumps of the pitch cost, too. Nothing is raised
/// above `max_hz`.
torch::Tensor raise_subharmonics(const torch::Tensor& audio, const torch::Tensor& hz, double max_hz);

}  // namespace voxconv
