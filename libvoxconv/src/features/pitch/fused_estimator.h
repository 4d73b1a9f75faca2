#pragma once
#include "features/pitch/fcpe.h"
#include "features/pitch/swift_f0.h"

namespace voxconv {

/// One pitch out of two estimates: FCPE's activation [T, 360] and another estimator's frames, all with a pitch. Each frame has candidates:
/// both pitches, and the second an octave up and down. A candidate counts by FCPE's activation near it plus the other's confidence where it
/// is the other's; a path through the candidates pays for jumps, so that an octave jump of a few frames, of one or of both, is undone. The
/// pitch is the mean of both where they agree (weighted by how sure each is), else the chosen one's. Voiced where the mean sureness exceeds
/// 0.25.
F0Frames fuse_pitch(const torch::Tensor& activation, const F0Frames& other, const F0Range& range);

/// "auto": FCPE and SwiftF0, fused, and the octave checked against the spectrum (subharmonics.h). docs/f0.md has the comparison that chose
/// them.
class FusedEstimator : public F0Estimator {
 public:
  FusedEstimator(std::shared_ptr<const Fcpe> fcpe, std::shared_ptr<const SwiftF0> swift, const F0Range& range)
      : fcpe_(std::move(fcpe)), swift_(std::move(swift)), range_(range) {}
  F0Frames estimate(const torch::Tensor& audio) const override;
  F0Frames estimate_part(const torch::Tensor& audio, std::int64_t begin, std::int64_t end) const override;
  double context_s() const override;

 private:
  std::shared_ptr<const Fcpe> fcpe_;
  std::shared_ptr<const SwiftF0> swift_;
  F0Range range_;
};

}  // namespace voxconv
