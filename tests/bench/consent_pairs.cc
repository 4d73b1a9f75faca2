// How alike phrases of consent and recordings are, of one speaker and of two: consent_pairs FOLDER..., each with short recordings of one
// speaker. The limits in docs/own-voices.md come from it.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "voxconv/audio_io.h"
#include "voxconv/error.h"
#include "voxconv/process.h"
#include "voxconv/speech.h"

namespace {

namespace fs = std::filesystem;
using voxconv::SpeakerEmbedding;

constexpr int phrases_each = 6, recordings_each = 5;
constexpr double phrase_s = 12, recording_s = 60;

class MemoryReader : public voxconv::AudioReader {
 public:
  explicit MemoryReader(voxconv::AudioBuffer audio) : audio_(std::move(audio)) {
    info_.rate = audio_.rate;
    info_.channels = 1;
  }
  const voxconv::AudioInfo& info() const override { return info_; }
  bool read(voxconv::AudioBuffer& out, std::size_t max_frames) override {
    const std::size_t count = std::min(max_frames, audio_.frames() - at_);
    out = voxconv::AudioBuffer(audio_.rate, 1);
    const auto begin = audio_.channels[0].begin() + std::ptrdiff_t(at_);
    out.channels[0].assign(begin, begin + std::ptrdiff_t(count));
    at_ += count;
    return count > 0;
  }

 private:
  voxconv::AudioBuffer audio_;
  voxconv::AudioInfo info_;
  std::size_t at_ = 0;
};

/// Of the next files that last `seconds` together; empty: there are not so many.
SpeakerEmbedding next_embedding(const std::vector<std::string>& files, std::size_t& at, double seconds) {
  voxconv::AudioBuffer all;
  while (at < files.size() && (all.channels.empty() || all.seconds() < seconds)) {
    const auto reader = voxconv::open_reader(files[at++]);
    const voxconv::AudioBuffer audio = voxconv::read_all(*reader);
    if (all.channels.empty()) all = voxconv::AudioBuffer(audio.rate, 1);
    if (audio.rate == all.rate) all.channels[0].insert(all.channels[0].end(), audio.channels[0].begin(), audio.channels[0].end());
  }
  if (all.channels.empty() || all.seconds() < seconds) return {};
  MemoryReader reader(std::move(all));
  return voxconv::speaker_embedding(reader);
}

struct Speaker {
  std::vector<SpeakerEmbedding> phrases, recordings;
};

Speaker listen_to(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() != ".txt") files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  std::shuffle(files.begin(), files.end(), std::mt19937(1));
  Speaker speaker;
  std::size_t at = 0;
  const auto take = [&](std::vector<SpeakerEmbedding>& embeddings, int count, double seconds) {
    for (int i = 0; i < count; ++i)
      if (SpeakerEmbedding embedding = next_embedding(files, at, seconds); !embedding.empty()) embeddings.push_back(std::move(embedding));
  };
  take(speaker.phrases, phrases_each, phrase_s);
  take(speaker.recordings, recordings_each, recording_s);
  return speaker;
}

void print_figures(const char* what, std::vector<double> values) {
  if (values.empty()) return;
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) { return values[std::size_t(share * double(values.size() - 1))]; };
  std::printf("%-32s %4zu pairs: least %.3f, 5 %% %.3f, median %.3f, 95 %% %.3f, 99 %% %.3f, most %.3f\n", what, values.size(), at(0),
              at(0.05), at(0.5), at(0.95), at(0.99), at(1));
}

}  // namespace

int main(int argc, char** argv) try {
  voxconv::prepare_process();
  std::map<std::string, Speaker> speakers;
  for (int i = 1; i < argc; ++i) speakers[fs::path(argv[i]).filename()] = listen_to(argv[i]);
  std::vector<double> same, different, same_whole, different_whole;
  for (const auto& [name, one] : speakers)
    for (const auto& [other_name, other] : speakers) {
      if (other.recordings.empty()) continue;
      for (const SpeakerEmbedding& phrase : one.phrases) {
        double least = 1;
        for (const SpeakerEmbedding& recording : other.recordings) least = std::min(least, voxconv::speaker_similarity(phrase, recording));
        (name == other_name ? same : different).push_back(least);
      }
      const auto& own = one.recordings;
      if (name < other_name && !own.empty())
        different_whole.push_back(voxconv::speaker_similarity(voxconv::mean_embedding(own), voxconv::mean_embedding(other.recordings)));
      if (name == other_name && own.size() >= 4)
        same_whole.push_back(
            voxconv::speaker_similarity(voxconv::mean_embedding({own[0], own[1]}), voxconv::mean_embedding({own[2], own[3]})));
    }
  print_figures("phrase and recordings, the same", same);
  print_figures("phrase and recordings, others", different);
  print_figures("whole recordings, the same", same_whole);
  print_figures("whole recordings, others", different_whole);
  for (double limit = 0.55; limit < 0.9; limit += 0.05) {
    const auto share = [&](const std::vector<double>& values) {
      const auto count = std::count_if(values.begin(), values.end(), [&](double value) { return value >= limit; });
      return 100 * double(count) / double(std::max<std::size_t>(1, values.size()));
    };
    std::printf("from %.2f on: %.1f %% of the true phrases, %.1f %% of the false ones\n", limit, share(same), share(different));
  }
  return 0;
} catch (const voxconv::Error& error) {
  std::fprintf(stderr, "consent_pairs: %s\n", error.what());
  return voxconv::exit_status(error.code());
}
