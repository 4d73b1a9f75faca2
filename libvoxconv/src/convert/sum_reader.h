#pragma once
#include <cstddef>
#include <memory>
#include <vector>

#include "voxconv/audio_io.h"

namespace voxconv {

/// Exactly `frames` frames, fewer at the end.
AudioBuffer read_exactly(AudioReader& reader, std::size_t frames);

/// Several sounds of one rate, channel count and length as one: those that are added, less the others.
class SumReader : public AudioReader {
 public:
  using Readers = std::vector<std::unique_ptr<AudioReader>>;
  /// `added` has at least one.
  SumReader(Readers added, Readers taken_off) : added_(std::move(added)), taken_off_(std::move(taken_off)) {}
  const AudioInfo& info() const override { return added_.front()->info(); }
  bool read(AudioBuffer& out, std::size_t max_frames) override;

 private:
  Readers added_, taken_off_;
};

}  // namespace voxconv
