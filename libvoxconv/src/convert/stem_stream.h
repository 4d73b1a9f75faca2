#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "audio/k_weighting.h"
#include "audio/resampler.h"
#include "models/separation/separator.h"
#include "voxconv/audio_io.h"
#include "voxconv/separate.h"

namespace voxconv {

struct Stems {
  AudioBuffer vocals, music;         ///< of one length
  std::vector<AudioBuffer> parts{};  ///< other stems of the model, as they were asked for
};

/// A song of any rate and any number of channels through a separation model: vocals at the song's rate, and the music that remains when
/// they are subtracted, so that both add up to the song. One instance per song.
class StemStream {
 public:
  /// `parts`: stems of the model besides the vocals. `model` must outlive it.
  StemStream(const SeparationModel& model, int rate, int channels, const std::vector<std::string>& parts = {});
  Stems push(const AudioBuffer& audio);  ///< the stems that later audio cannot change; may be none
  Stems finish();                        ///< the rest; as many frames in all as came in

 private:
  AudioBuffer model_input(const AudioBuffer& resampled) const;
  AudioBuffer side_by_side(const std::vector<AudioBuffer>& stems) const;
  Stems split(AudioBuffer stems);

  int rate_;
  std::size_t channels_;  ///< of each stem
  StreamResampler to_model_;
  std::unique_ptr<SeparationStream> stream_;
  StreamResampler from_model_;  ///< of the channels of all stems
  AudioBuffer source_;          ///< what came in and has not gone out, at most stereo
};

/// Measures what comes in pieces.
class StemMeter {
 public:
  StemMeter(int rate, std::size_t channels);
  void push(const Stems& stems);
  StemLevels levels() const;
  double peak_db() const;

 private:
  static constexpr std::size_t levels_kept = 121, shorts_of_long = 4;
  using Histogram = std::vector<std::uint64_t>;  ///< of blocks, by their level: 0 to -120 dBFS
  struct Track {
    std::vector<KWeighting> filters;  ///< per channel
    double now = 0, sum = 0;          ///< powers of the short and of the long block under way, summed over samples and channels
    Histogram blocks = Histogram(levels_kept);
  };
  void end_short_block();
  static std::size_t level_of(double mean_power);
  static double reached(const Histogram& blocks, double share);
  double lasting_music() const;

  std::size_t channels_, short_block_;          ///< samples
  std::size_t samples_ = 0, short_blocks_ = 0;  ///< of the short and of the long block under way
  Track vocals_, music_;
  std::vector<Histogram> music_by_whole_ =
      std::vector<Histogram>(levels_kept, Histogram(levels_kept));  ///< short blocks; by the level of both
  float peak_ = 0;
};

/// A source with its channels mixed to two where it has more; says so once. `source` must outlive it.
class StereoReader : public AudioReader {
 public:
  explicit StereoReader(AudioReader& source, const std::string& name = "");
  const AudioInfo& info() const override { return info_; }
  bool read(AudioBuffer& out, std::size_t max_frames) override;

 private:
  AudioReader& source_;
  AudioInfo info_;
};

}  // namespace voxconv
