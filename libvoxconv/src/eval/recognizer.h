#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "eval/whisper_decoder.h"
#include "eval/whisper_vocabulary.h"
#include "features/content/whisper_encoder.h"
#include "voxconv/speech.h"

namespace voxconv::eval {

/// Writes down what is said or sung: Whisper base, its encoder as voxconv ships it, its decoder from the model catalog (whisper-base). As
/// openai/whisper and faster-whisper do with temperature 0, one beam and no timestamps: the likeliest token each time, without the signs
/// that captions use for sounds. Const; several threads may share one.
class Recognizer {
 public:
  /// The decoder's file, where "voxconv models get whisper-base" has put it.
  static std::optional<std::string> find_model();

  /// `model`: CTranslate2's model.bin of Whisper base. Throws Error(not_found | bad_model).
  explicit Recognizer(const std::string& model, torch::Device device = torch::kCPU);

  /// The words of 16 kHz audio [N] in a language of Whisper; an empty `language` is told from the first window. Longer audio than 30 s is
  /// taken window by window, each by itself, so memory stays the same. Throws Error(usage) where Whisper does not know the language,
  /// Error(cancelled).
  Transcript transcribe(const torch::Tensor& audio, const std::string& language = "", const CancelToken& cancel = {}) const;

  /// Where windows end, in samples, the last one at N: at most 30 s after one another, each but the last at the quietest place of the
  /// latter half of its 30 s.
  static std::vector<std::int64_t> window_ends(const torch::Tensor& audio);

 private:
  std::int64_t detect_language(const torch::Tensor& encoded) const;
  torch::Tensor encode(const torch::Tensor& window) const;
  std::vector<std::int64_t> decode(const torch::Tensor& encoded, std::int64_t language, const CancelToken& cancel) const;

  torch::Device device_;
  WhisperVocabulary vocabulary_;
  MelSpectrogram mel_;
  std::unique_ptr<const WhisperEncoder> encoder_;
  std::unique_ptr<const WhisperDecoder> decoder_;
  torch::Tensor banned_, banned_first_;  ///< [vocabulary] 0, or minus infinity for tokens that may not come; that may not come first either
};

}  // namespace voxconv::eval
