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
  struct Track {
    std::vector<KWeighting> filters;  ///< per channel
    double sum = 0;
    std::size_t count = 0;                                                ///< samples of the block under way
    std::vector<std::uint64_t> blocks = std::vector<std::uint64_t>(121);  ///< by their level: 0 to -120 dBFS
  };
  void add(Track& track, const AudioBuffer& audio);
  static double loud_tenth(const Track& track);

  std::size_t block_;  ///< samples
  Track vocals_, music_;
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
