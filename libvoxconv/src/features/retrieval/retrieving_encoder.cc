#include "features/retrieval/retrieving_encoder.h"

#include <utility>

#include "core/fail.h"
#include "core/stage_clock.h"

namespace voxconv {

RetrievingEncoder::RetrievingEncoder(std::shared_ptr<const ContentEncoder> encoder, std::shared_ptr<const RetrievalIndex> index,
                                     double rate, bool keep_plain)
    : encoder_(std::move(encoder)), index_(std::move(index)), rate_(rate), keep_plain_(keep_plain) {
  if (index_->dim() != encoder_->dim())
    fail(ErrorCode::usage,
         "The retrieval index has frames of {} numbers, the content encoder of this voice {}; it was made for another kind of voice.",
         index_->dim(), encoder_->dim());
}

std::int64_t RetrievingEncoder::dim() const { return (keep_plain_ ? 2 : 1) * encoder_->dim(); }

torch::Tensor RetrievingEncoder::encode(const torch::Tensor& audio) const {
  return retrieve(encoder_->encode(audio).to(torch::kCPU), encoder_->repeats());
}

torch::Tensor RetrievingEncoder::encode_frames(const torch::Tensor& audio) const {
  return retrieve(encoder_->encode_frames(audio).to(torch::kCPU), 1);
}

torch::Tensor RetrievingEncoder::encode_windows(const torch::Tensor& audio) const {
  std::vector<torch::Tensor> windows;
  for (const torch::Tensor& plain : encoder_->encode_windows(audio).to(torch::kCPU).unbind())
    windows.push_back(retrieve(plain, encoder_->repeats()));
  return torch::stack(windows);
}

/// [T, dim], each of the encoder's own frames so many times in a row -> what encode() gives of it.
torch::Tensor RetrievingEncoder::retrieve(const torch::Tensor& plain, std::int64_t repeats) const {
  const StageScope stage(Stage::retrieval);
  torch::Tensor nearest = index_->nearest(plain.slice(0, 0, plain.size(0), repeats));
  if (repeats > 1) nearest = nearest.repeat_interleave(repeats, 0).slice(0, 0, plain.size(0));
  const torch::Tensor content = nearest * rate_ + plain * (1 - rate_);
  return keep_plain_ ? torch::cat({content, plain}, 1) : content;
}

torch::Tensor protect_unvoiced(const torch::Tensor& content, const torch::Tensor& plain, const torch::Tensor& f0, double protect) {
  const torch::Tensor share = torch::where(f0 < 1, torch::full_like(f0, protect), torch::ones_like(f0)).unsqueeze(1);
  return content * share + plain * (1 - share);
}

}  // namespace voxconv
