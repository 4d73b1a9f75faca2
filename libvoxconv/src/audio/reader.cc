#include "audio/checked_reader.h"
#include "audio/readers.h"
#include "audio/tags.h"
#include "core/boundary.h"
#include "core/fail.h"

namespace voxconv {

std::unique_ptr<AudioReader> open_reader(const std::string& path, const ReadOptions& options) try {
  auto input = std::make_unique<InputFile>(path);
  if (options.raw) return open_raw_reader(std::move(input), *options.raw);
  if (!input->seekable()) {
    auto demuxer = std::make_unique<Demuxer>(*input);
    return open_ffmpeg_reader(std::move(input), std::move(demuxer));
  }
  // The tags are FFmpeg's in either case, where it can open the file at all.
  Tags tags;
  std::optional<Picture> cover;
  std::string reason;
  try {
    const Demuxer demuxer(*input);
    const AVStream* stream = demuxer.get()->nb_streams > 0 ? demuxer.get()->streams[0] : nullptr;
    tags = read_tags(*demuxer.get(), stream);
    cover = read_cover(*demuxer.get());
  } catch (const Error& error) {
    reason = error.what();
  }
  if (auto reader = open_sndfile_reader(input, std::move(tags), std::move(cover))) return reader;
  if (!reason.empty()) fail(ErrorCode::bad_audio, "{}", reason);
  input->rewind();
  auto demuxer = std::make_unique<Demuxer>(*input);
  return open_ffmpeg_reader(std::move(input), std::move(demuxer));
} catch (...) {
  throw_as_error();
}

AudioBuffer read_all(AudioReader& source, double max_seconds) try {
  CheckedReader reader(source);
  const AudioInfo& info = reader.info();
  AudioBuffer all(info.rate, std::size_t(info.channels)), block;
  while (reader.read(block, 65536)) {
    if (double(all.frames() + block.frames()) > max_seconds * info.rate)
      fail(ErrorCode::bad_audio, "The sound is longer than {:g} s, which is too long here: split it.", max_seconds);
    for (std::size_t c = 0; c < all.channel_count(); ++c)
      all.channels[c].insert(all.channels[c].end(), block.channels[c].begin(), block.channels[c].end());
  }
  return all;
} catch (...) {
  throw_as_error();
}

}  // namespace voxconv
