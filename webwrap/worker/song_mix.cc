#include "worker/song_mix.h"

#include <algorithm>

namespace webwrap {
namespace {

/// Makes all softer or louder on its way to another writer.
class GainWriter : public voxconv::AudioWriter {
 public:
  GainWriter(voxconv::AudioWriter& target, double gain) : target_(target), gain_(float(gain)) {}
  void write(const voxconv::AudioBuffer& audio) override {
    buffer_ = audio;
    for (auto& channel : buffer_.channels)
      for (float& sample : channel) sample *= gain_;
    target_.write(buffer_);
  }
  void finish() override { target_.finish(); }

 private:
  voxconv::AudioWriter& target_;
  const float gain_;
  voxconv::AudioBuffer buffer_;
};

}  // namespace

Blend Blend::of(const nlohmann::json& parameters) {
  return {parameters.value("parts", "all"), parameters.value("wet", 1.0), parameters.value("level_db", 0.0),
          parameters.value("music_db", 0.0)};
}

SongMix::SongMix(const Song& song, const Blend& blend, BlobStore& blobs, double start_s, double end_s, voxconv::CancelToken cancel,
                 PartReader::OnProgress on_progress)
    : cancel_(std::move(cancel)) {
  const double whole = linear(song.gain_db), voice = whole * linear(blend.level_db);
  const auto add = [&](const std::string& key, double gain) {
    readers_.emplace_back(voxconv::open_reader(blobs.local_path(key)), start_s, end_s, cancel_, on_progress);
    sources_.push_back({&readers_.back(), gain});
  };
  if (blend.has_voice() && blend.wet > 0) add(song.converted, blend.wet * voice);
  if (blend.has_voice() && blend.wet < 1) add(song.original, (1 - blend.wet) * voice);
  if (blend.parts != "vocals" && !song.music.empty()) add(song.music, whole * linear(blend.music_db));
  tags_ = blend.has_voice() ? voxconv::open_reader(blobs.local_path(song.converted))->info().tags : readers_.front().info().tags;
  tags_["title"] = song.title;
}

int SongMix::channels() const {
  int most = 1;
  for (const PartReader& reader : readers_) most = std::max(most, std::min(2, reader.info().channels));
  return most;
}

void SongMix::write(voxconv::AudioWriter& writer, int rate, int channels, double gain) {
  GainWriter scaled(writer, gain);
  voxconv::mix(sources_, scaled, rate, channels, {}, cancel_);
}

}  // namespace webwrap
