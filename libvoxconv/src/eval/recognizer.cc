#include "eval/recognizer.h"

#include <algorithm>
#include <limits>

#include "core/fail.h"
#include "core/paths.h"
#include "features/frames.h"
#include "features/weights_file.h"

namespace voxconv::eval {
namespace {

constexpr std::int64_t window_samples = 30 * feature_rate, window_frames = window_samples / feature_hop;
constexpr std::int64_t level_hop = feature_rate / 50;  // samples a level is taken over where a pause is looked for ...
constexpr std::int64_t pause_length = 15;              // ... and so many of them a pause lasts: 0.3 s
// What openai/whisper takes for silence: no speech is likely, and the text is not.
constexpr double no_speech_limit = 0.6, log_probability_limit = -1;

}  // namespace

std::optional<std::string> Recognizer::find_model() { return find_model_file("eval/whisper-base/model.bin"); }

Recognizer::Recognizer(const std::string& model, torch::Device device) : device_(device), mel_(whisper_mel(), device) {
  const nn::Safetensors encoder(model_file("content/whisper_base/weights.safetensors"));
  encoder_ = std::make_unique<WhisperEncoder>(
      encoder, nn::Safetensors(model_file("content/whisper_base/position_basis.safetensors")).get("basis"), device, torch::kFloat);
  decoder_ = std::make_unique<WhisperDecoder>(read_weights(model), model, device);
  if (decoder_->dim() != encoder_->dim() || decoder_->vocabulary() != vocabulary_.size())
    fail(ErrorCode::bad_model, "{} is not the decoder of Whisper base: it has {} numbers and {} tokens, {} and {} are expected.", model,
         decoder_->dim(), decoder_->vocabulary(), encoder_->dim(), vocabulary_.size());
  constexpr float never = -std::numeric_limits<float>::infinity();
  const auto without = [&](const torch::Tensor& allowed, const std::vector<std::int64_t>& tokens) {
    return allowed.index_fill(0, torch::tensor(tokens, torch::kLong).to(device), never);
  };
  banned_ = without(torch::zeros({vocabulary_.size()}, device), vocabulary_.not_spoken());
  banned_.slice(0, vocabulary_.no_timestamps()) = never;  // this one and the timestamps behind it
  banned_first_ = without(banned_, {vocabulary_.space(), vocabulary_.end()});
}

/// At most 30 s [N] -> [1500, dim]. The log-mel is continued with zeros to 30 s, as faster-whisper does.
torch::Tensor Recognizer::encode(const torch::Tensor& window) const {
  const torch::Tensor audio = torch::constant_pad_nd(window.to(device_, torch::kFloat), {0, feature_hop});
  const torch::Tensor mel = whisper_normalise(mel_(audio).slice(1, 0, -1)).slice(1, 0, window.size(0) / feature_hop);
  return encoder_->encode_mel(torch::constant_pad_nd(mel, {0, window_frames - mel.size(1)}));
}

/// The token of the likeliest language.
std::int64_t Recognizer::detect_language(const torch::Tensor& encoded) const {
  WhisperDecoder::State state = decoder_->begin(encoded);
  const torch::Tensor logits = decoder_->append(state, {vocabulary_.start()})[0];
  const std::int64_t first = vocabulary_.first_language(), count = static_cast<std::int64_t>(vocabulary_.languages().size());
  return first + logits.narrow(0, first, count).argmax().item<std::int64_t>();
}

/// The text's tokens; none where there is no speech.
std::vector<std::int64_t> Recognizer::decode(const torch::Tensor& encoded, std::int64_t language, const CancelToken& cancel) const {
  WhisperDecoder::State state = decoder_->begin(encoded);
  torch::Tensor logits = decoder_->append(state, {vocabulary_.start(), language, vocabulary_.transcribe(), vocabulary_.no_timestamps()});
  const double no_speech = torch::softmax(logits[0], 0)[vocabulary_.no_speech()].item<double>();
  std::vector<std::int64_t> tokens;
  double log_probability = 0;
  for (const std::int64_t most = decoder_->most_tokens() / 2;;) {
    cancel.check();
    const torch::Tensor allowed = logits[-1] + (tokens.empty() ? banned_first_ : banned_);
    const auto token = allowed.argmax().item<std::int64_t>();
    log_probability += torch::log_softmax(allowed, 0)[token].item<double>();
    if (token == vocabulary_.end()) break;
    tokens.push_back(token);
    if (static_cast<std::int64_t>(tokens.size()) == most) break;
    logits = decoder_->append(state, {token});
  }
  if (no_speech > no_speech_limit && log_probability / double(tokens.size() + 1) <= log_probability_limit) tokens.clear();
  return tokens;
}

Transcript Recognizer::transcribe(const torch::Tensor& audio, const std::string& language, const CancelToken& cancel) const {
  const torch::NoGradGuard guard;
  Transcript transcript{language, ""};
  std::optional<std::int64_t> language_token;
  if (!language.empty()) language_token = vocabulary_.language(language);
  std::int64_t begin = 0;
  for (const std::int64_t end : window_ends(audio)) {
    cancel.check();
    const torch::Tensor window = audio.slice(0, begin, end);
    begin = end;
    if (window.size(0) < feature_hop || window.abs().max().item<float>() == 0) continue;  // nobody speaks in digital silence
    const torch::Tensor encoded = encode(window);
    if (!language_token) {
      language_token = detect_language(encoded);
      transcript.language = vocabulary_.languages()[*language_token - vocabulary_.first_language()];
    }
    transcript.text += vocabulary_.text(decode(encoded, *language_token, cancel));
  }
  return transcript;
}

std::vector<std::int64_t> Recognizer::window_ends(const torch::Tensor& audio) {
  if (audio.dim() != 1) fail(ErrorCode::internal, "Recognizer: expected mono audio, got {} dimensions.", audio.dim());
  std::vector<std::int64_t> ends;
  std::int64_t begin = 0;
  for (; audio.size(0) - begin > window_samples; begin = ends.back()) {
    const torch::Tensor half = audio.slice(0, begin + window_samples / 2, begin + window_samples).to(torch::kCPU, torch::kFloat);
    const torch::Tensor power = half.view({-1, level_hop}).square().mean(1);
    const torch::Tensor pauses = power.unfold(0, pause_length, 1).mean(1);
    const std::int64_t quietest = pauses.argmin().item<std::int64_t>();
    ends.push_back(begin + window_samples / 2 + quietest * level_hop + pause_length * level_hop / 2);
  }
  if (audio.size(0) > begin) ends.push_back(audio.size(0));
  return ends;
}

}  // namespace voxconv::eval
