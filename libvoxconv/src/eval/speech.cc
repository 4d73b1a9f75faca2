#include "voxconv/speech.h"

#include <cmath>

#include "audio/downmix.h"
#include "audio/resampler.h"
#include "core/boundary.h"
#include "core/fail.h"
#include "eval/recognizer.h"
#include "features/frames.h"
#include "features/speaker/speaker_encoder.h"

namespace voxconv {
namespace {

constexpr std::size_t block_frames = 65536;

/// The whole source at the features' rate, as one channel: a minute of it takes 4 MB, whatever rate it has.
torch::Tensor speech_audio(AudioReader& reader, const CancelToken& cancel) {
  DownmixReader mixed(reader);
  StreamResampler down(1, mixed.info().rate, feature_rate);
  std::vector<float> samples;
  const auto add = [&](const AudioBuffer& more) { samples.insert(samples.end(), more.channels[0].begin(), more.channels[0].end()); };
  for (AudioBuffer block; mixed.read(block, block_frames);) {
    cancel.check();
    add(down.push(block));
  }
  add(down.finish());
  return torch::tensor(at::ArrayRef<float>(samples));
}

SpeakerEmbedding normalised(SpeakerEmbedding embedding) {
  double power = 0;
  for (const float x : embedding) power += double(x) * x;
  if (power <= 0) return {};
  for (float& x : embedding) x = float(x / std::sqrt(power));
  return embedding;
}

}  // namespace

bool has_recogniser() { return eval::Recognizer::find_model().has_value(); }

Transcript transcribe(AudioReader& reader, const std::string& language, const CancelToken& cancel) try {
  const auto model = eval::Recognizer::find_model();
  if (!model)
    fail(ErrorCode::not_found,
         "There is no speech recogniser here: \"voxconv models get whisper-base\" gets the decoder of Whisper base (145 MB).");
  return eval::Recognizer(*model).transcribe(speech_audio(reader, cancel), language, cancel);
} catch (...) {
  throw_as_error();
}

SpeakerEmbedding speaker_embedding(AudioReader& reader, const CancelToken& cancel) try {
  const torch::NoGradGuard guard;
  const torch::Tensor audio = speech_audio(reader, cancel);
  if (audio.size(0) == 0) return {};
  const torch::Tensor embedding = SpeakerEncoder().embed(audio).contiguous();
  return normalised({embedding.const_data_ptr<float>(), embedding.const_data_ptr<float>() + embedding.numel()});
} catch (...) {
  throw_as_error();
}

SpeakerEmbedding mean_embedding(const std::vector<SpeakerEmbedding>& embeddings) {
  SpeakerEmbedding sum;
  for (const SpeakerEmbedding& embedding : embeddings) {
    if (embedding.empty()) continue;
    sum.resize(embedding.size());
    for (std::size_t i = 0; i < embedding.size(); ++i) sum[i] += embedding[i];
  }
  return normalised(std::move(sum));
}

double speaker_similarity(const SpeakerEmbedding& a, const SpeakerEmbedding& b) {
  if (a.empty() || b.empty()) return 0;
  if (a.size() != b.size())
    throw Error(ErrorCode::usage, fmt::format("Speaker embeddings of {} and {} numbers cannot be compared: make both with this version.",
                                              a.size(), b.size()));
  double product = 0;
  for (std::size_t i = 0; i < a.size(); ++i) product += double(a[i]) * b[i];
  return product;
}

}  // namespace voxconv
