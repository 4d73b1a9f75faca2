#pragma once
#include <memory>

#include "features/content/content_encoder.h"
#include "features/retrieval/retrieval_index.h"

namespace voxconv {

/// A content encoder whose frames come `rate` of the way nearer to what the index holds: rate * nearest + (1 - rate) * content. The index
/// is searched once for each frame of the encoder's own, however often that is repeated.
class RetrievingEncoder final : public ContentEncoder {
 public:
  /// `keep_plain`: encode() gives [T, 2 * dim], the content as it was behind the other. Throws Error(usage) where index and encoder do not
  /// fit.
  RetrievingEncoder(std::shared_ptr<const ContentEncoder> encoder, std::shared_ptr<const RetrievalIndex> index, double rate,
                    bool keep_plain);

  std::int64_t dim() const override;
  torch::Tensor encode(const torch::Tensor& audio) const override;
  torch::Tensor encode_windows(const torch::Tensor& audio) const override;
  torch::Tensor encode_frames(const torch::Tensor& audio) const override;
  std::int64_t repeats() const override { return encoder_->repeats(); }

 private:
  torch::Tensor retrieve(const torch::Tensor& plain, std::int64_t repeats) const;

  std::shared_ptr<const ContentEncoder> encoder_;
  std::shared_ptr<const RetrievalIndex> index_;
  double rate_;
  bool keep_plain_;
};

/// RVC's protection of consonants and breaths: of frames without a pitch (f0 [T] below 1 Hz) `protect` of `content` and the rest of `plain`
/// [T, dim]; the others are `content`.
torch::Tensor protect_unvoiced(const torch::Tensor& content, const torch::Tensor& plain, const torch::Tensor& f0, double protect);

}  // namespace voxconv
