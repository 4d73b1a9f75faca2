#include "models/rvc/piece.h"

#include <algorithm>

namespace voxconv::rvc {

Span Span::within(std::int64_t length) const {
  const std::int64_t first = std::clamp<std::int64_t>(begin, 0, length);
  return {first, std::clamp(end, first, length)};
}

torch::Tensor empty_image(std::int64_t channels, std::int64_t samples, const torch::TensorOptions& options) {
  return image_of(torch::empty({samples, channels}, options));
}

torch::Tensor image_of(const torch::Tensor& rows) { return rows.view({1, 1, rows.size(0), rows.size(1)}).permute({0, 3, 1, 2}); }

torch::Tensor rows_of(const torch::Tensor& image) { return image.permute({0, 2, 3, 1}).view({image.size(3), image.size(1)}); }

torch::Tensor cut(const Piece& piece, Span span, std::int64_t length) {
  const Span inside = span.within(length);
  const torch::Tensor part = piece.x.narrow(3, inside.begin - piece.begin, inside.size());
  if (inside.size() == span.size()) return part;
  torch::Tensor padded = empty_image(piece.x.size(1), span.size(), piece.x.options());
  const std::int64_t before = inside.begin - span.begin, after = span.end - inside.end;
  padded.narrow(3, 0, before).zero_();
  padded.narrow(3, before, inside.size()).copy_(part);
  padded.narrow(3, before + inside.size(), after).zero_();
  return padded;
}

}  // namespace voxconv::rvc
