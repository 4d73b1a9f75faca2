#pragma once
#include <string>
#include <vector>

#include "voxconv/audio_io.h"
#include "voxconv/progress.h"

namespace voxconv {

/// Whether there is a recogniser here: Whisper base, whose decoder does not ship ("voxconv models get whisper-base").
bool has_recogniser();

/// What is said in a sound.
struct Transcript {
  std::string language;  ///< "en", "de" ...: ISO 639-1, else 639-3; empty where it was to be told and nothing is heard
  std::string text;      ///< UTF-8; empty: no words
};

/// Writes down what is said or sung in a source, the channels mixed. `language` as of EvalOptions; empty: told from the sound. Throws
/// Error(not_found) without a recogniser, Error(usage) for a language that it does not know.
Transcript transcribe(AudioReader& reader, const std::string& language = "", const CancelToken& cancel = {});

/// How a speaker sounds, whatever is said: the embedding of the shipped speaker encoder (docs/evaluation.md), 256 numbers of unit length.
/// Empty: there is nothing to hear.
using SpeakerEmbedding = std::vector<float>;

/// Of a whole source, its channels mixed, the same at any level of it. Throws Error.
SpeakerEmbedding speaker_embedding(AudioReader& reader, const CancelToken& cancel = {});

/// What several recordings of a speaker have in common: their mean. Empty ones do not count.
SpeakerEmbedding mean_embedding(const std::vector<SpeakerEmbedding>& embeddings);

/// Cosine of two embeddings, -1 to 1: docs/evaluation.md says what it is for one speaker and for two. 0 where one is empty. Throws
/// Error(usage) for embeddings of different lengths.
double speaker_similarity(const SpeakerEmbedding& a, const SpeakerEmbedding& b);

}  // namespace voxconv
