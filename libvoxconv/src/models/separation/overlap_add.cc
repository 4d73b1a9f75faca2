#include "models/separation/overlap_add.h"

#include <algorithm>

#include "core/fail.h"

namespace voxconv {
namespace {

constexpr std::int64_t channels = 2;

}  // namespace

double OverlapSpec::context_s() const {
  // Whether the song is long enough to be mirrored is known after twice the overlap.
  const std::int64_t decided = ends == SongEnds::reflect ? 2 * (segment - hop) + 1 : 0;
  return double(std::max(segment + (batch - 1) * hop, decided)) / rate;
}

OverlapAdd::OverlapAdd(OverlapSpec spec, Network network) : spec_(std::move(spec)), network_(std::move(network)) {
  if (spec_.hop < 1 || spec_.hop > spec_.segment || spec_.batch < 1 || std::ssize(spec_.weight) != spec_.segment)
    fail(ErrorCode::internal, "Segments of {} samples cannot lie {} apart with {} weights in batches of {}.", spec_.segment, spec_.hop,
         spec_.weight.size(), spec_.batch);
  weight_ = torch::from_blob(spec_.weight.data(), {spec_.segment}).clone();
  begin();
}

void OverlapAdd::begin() {
  song_.assign(channels, SignalBuffer());
  sum_ = torch::zeros({spec_.stems, channels, spec_.segment});
  sum_of_weights_ = torch::zeros({spec_.segment});
  next_ = 0;
}

/// How far before the song the first segment begins. Valid once a long song is known to be one, or at its end.
std::int64_t OverlapAdd::lead() const {
  const std::int64_t overlap = spec_.segment - spec_.hop;
  return spec_.ends == SongEnds::reflect && song_[0].end() > 2 * overlap ? overlap : 0;
}

std::vector<AudioBuffer> OverlapAdd::push(const AudioBuffer& stereo) {
  if (stereo.rate != spec_.rate || std::ssize(stereo.channels) != channels)
    fail(ErrorCode::usage, "The separation network takes 2 channels at {} Hz and got {} at {} Hz.", spec_.rate, stereo.channel_count(),
         stereo.rate);
  for (std::size_t c = 0; c < channels; ++c) song_[c].append(stereo.channels[c]);
  std::vector<AudioBuffer> out(std::size_t(spec_.stems), AudioBuffer(spec_.rate, channels));
  const bool decided = spec_.ends == SongEnds::centre || song_[0].end() > 2 * (spec_.segment - spec_.hop);
  while (decided && start(next_ + spec_.batch - 1) + spec_.segment <= song_[0].end()) compute(spec_.batch, out);
  return out;
}

std::vector<AudioBuffer> OverlapAdd::finish() {
  std::vector<AudioBuffer> out(std::size_t(spec_.stems), AudioBuffer(spec_.rate, channels));
  while (start(next_) < song_[0].end()) {
    const std::int64_t left = (song_[0].end() - start(next_) + spec_.hop - 1) / spec_.hop;  // segments that begin in the song
    compute(std::min(left, spec_.batch), out);
  }
  begin();
  return out;
}

/// Samples by which the network's input begins before the segment.
std::int64_t OverlapAdd::centring(std::int64_t index) const {
  const std::int64_t missing = std::max<std::int64_t>(0, start(index) + spec_.segment - song_[0].end());
  return spec_.ends == SongEnds::centre ? missing / 2 : 0;
}

/// The first sample of the song that is still needed: its ends are mirrored, and the last segment centred, within a segment's length.
std::int64_t OverlapAdd::kept_from() const { return std::max<std::int64_t>(0, start(next_) - spec_.segment); }

/// [2, segment]: the network's input for a segment.
torch::Tensor OverlapAdd::network_input(std::int64_t index) {
  const std::int64_t from = start(index) - centring(index), to = from + spec_.segment, total = song_[0].end(), kept = kept_from();
  const std::int64_t mirrored_end = total + lead();
  const bool mirrored_again = mirrored_end - from > spec_.segment / 2;
  // The sample of the song that stands at a position outside it; -1: silence.
  const auto mirrored = [&](std::int64_t position) {
    if (spec_.ends == SongEnds::centre || (position >= mirrored_end && !mirrored_again)) return std::int64_t(-1);
    if (position >= mirrored_end) position = 2 * (mirrored_end - 1) - position;
    if (position >= total) position = 2 * (total - 1) - position;
    return std::abs(position);
  };
  const torch::Tensor result = torch::zeros({channels, spec_.segment});
  for (std::int64_t c = 0; c < channels; ++c) {
    const torch::Tensor song = song_[std::size_t(c)].view(kept, total);
    const float* samples = song.const_data_ptr<float>();
    float* input = result[c].data_ptr<float>();
    for (std::int64_t position = from; position < to; ++position) {
      const std::int64_t source = position >= 0 && position < total ? position : mirrored(position);
      if (source >= 0) input[position - from] = samples[source - kept];
    }
  }
  return result;
}

void OverlapAdd::compute(std::int64_t count, std::vector<AudioBuffer>& out) {
  std::vector<torch::Tensor> segments;
  for (std::int64_t i = 0; i < count; ++i) segments.push_back(network_input(next_ + i));
  const torch::Tensor results = network_(torch::stack(segments));
  if (results.sizes() != torch::IntArrayRef({count, spec_.stems, channels, spec_.segment}))
    fail(ErrorCode::internal, "A separation network gave a tensor of another shape than {} x {} x {} x {}.", count, spec_.stems, channels,
         spec_.segment);
  for (std::int64_t i = 0; i < count; ++i) join(next_ + i, results[i], out);
  next_ += count;
  for (SignalBuffer& channel : song_) channel.drop_before(kept_from());
}

/// Adds a segment's result; what the next segment begins behind is done.
void OverlapAdd::join(std::int64_t index, const torch::Tensor& result, std::vector<AudioBuffer>& out) {
  const std::int64_t begin = start(index), length = std::min(spec_.segment, song_[0].end() - begin);
  const torch::Tensor weight = weight_.narrow(0, 0, length);
  sum_.narrow(2, 0, length).add_(result.narrow(2, centring(index), length) * weight);
  sum_of_weights_.narrow(0, 0, length).add_(weight);

  // What lies before the song is no part of it; where segments overlap by more than a half, that can be all of the hop.
  const std::int64_t first = std::clamp<std::int64_t>(-begin, 0, spec_.hop), count = std::min(spec_.hop, length) - first;
  const torch::Tensor done = (sum_.narrow(2, first, count) / sum_of_weights_.narrow(0, first, count)).contiguous();
  for (std::int64_t s = 0; s < spec_.stems; ++s)
    for (std::int64_t c = 0; c < channels; ++c) {
      const float* samples = done.const_data_ptr<float>() + (s * channels + c) * count;
      std::vector<float>& channel = out[std::size_t(s)].channels[std::size_t(c)];
      channel.insert(channel.end(), samples, samples + count);
    }
  const std::int64_t overlap = spec_.segment - spec_.hop;
  sum_ = torch::cat({sum_.narrow(2, spec_.hop, overlap), torch::zeros({spec_.stems, channels, spec_.hop})}, 2);
  sum_of_weights_ = torch::cat({sum_of_weights_.narrow(0, spec_.hop, overlap), torch::zeros({spec_.hop})});
}

std::vector<float> linear_fades(std::int64_t segment, std::int64_t fade) {
  std::vector<float> weight(std::size_t(segment), 1.0f);
  for (std::int64_t i = 0; i < fade; ++i) {
    const float value = std::max(1e-6f, fade > 1 ? float(i) / float(fade - 1) : 0.0f);
    weight[std::size_t(i)] = value;
    weight[std::size_t(segment - 1 - i)] = value;
  }
  return weight;
}

}  // namespace voxconv
