#include "convert/sum_reader.h"

#include <algorithm>
#include <functional>

#include "audio/samples.h"

namespace voxconv {

AudioBuffer read_exactly(AudioReader& reader, std::size_t frames) {
  AudioBuffer all(reader.info().rate, std::size_t(reader.info().channels)), more;
  while (all.frames() < frames && reader.read(more, frames - all.frames())) append(all, more);
  return all;
}

bool SumReader::read(AudioBuffer& out, std::size_t max_frames) {
  const bool more = added_.front()->read(out, max_frames);
  const auto combine = [&](AudioReader& reader, auto operation) {
    const AudioBuffer other = read_exactly(reader, out.frames());
    for (std::size_t c = 0; c < other.channel_count(); ++c)
      std::transform(other.channels[c].begin(), other.channels[c].end(), out.channels[c].begin(), out.channels[c].begin(),
                     [&](float theirs, float ours) { return operation(ours, theirs); });
  };
  for (std::size_t i = 1; i < added_.size(); ++i) combine(*added_[i], std::plus<>());
  for (const auto& reader : taken_off_) combine(*reader, std::minus<>());
  return more;
}

}  // namespace voxconv
