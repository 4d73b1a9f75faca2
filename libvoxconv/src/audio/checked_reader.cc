#include "audio/checked_reader.h"

#include "audio/limits.h"
#include "audio/samples.h"
#include "core/caller.h"

namespace voxconv {

CheckedReader::CheckedReader(AudioReader& source) : source_(source), rate_(source.info().rate), channels_(source.info().channels) {
  check_stream(ErrorCode::usage, "the reader", rate_, channels_);
}

bool CheckedReader::read(AudioBuffer& out, std::size_t max_frames) {
  if (!call_caller([&] { return source_.read(out, max_frames); })) {
    out = AudioBuffer(rate_, std::size_t(channels_));
    return false;
  }
  if (out.rate != rate_ || out.channel_count() != std::size_t(channels_))
    fail(ErrorCode::usage, "The reader gave {} channels at {} Hz where its info() tells {} at {} Hz.", out.channel_count(), out.rate,
         channels_, rate_);
  for (std::vector<float>& channel : out.channels) {
    if (channel.size() != out.frames())
      fail(ErrorCode::usage, "The reader gave channels of {} and {} samples in one buffer; they must be equally long.", out.frames(),
           channel.size());
    for (float& x : channel) x = clean_sample(x);
  }
  return true;
}

}  // namespace voxconv
