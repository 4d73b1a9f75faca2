#include <fcntl.h>
#include <sndfile.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

#include "audio/block_reader.h"
#include "audio/readers.h"
#include "core/fail.h"

namespace voxconv {
namespace {

struct CloseSndfile {
  void operator()(SNDFILE* file) const { sf_close(file); }
};
using SndfilePtr = std::unique_ptr<SNDFILE, CloseSndfile>;

std::string container_name(int format) {
  switch (format & SF_FORMAT_TYPEMASK) {
    case SF_FORMAT_FLAC: return "flac";
    case SF_FORMAT_OGG: return "ogg";
  }
  return {};
}

std::string codec_name(int format) {
  switch (format & SF_FORMAT_SUBMASK) {
    case SF_FORMAT_VORBIS: return "vorbis";
    case SF_FORMAT_OPUS: return "opus";
  }
  return "flac";
}

/// Whether a file begins like those left to libsndfile.
bool is_known(const InputFile& input) {
  std::array<char, 4> magic{};
  if (input.read_at(0, magic.data(), magic.size()) != magic.size()) return false;
  const std::string_view begin(magic.data(), magic.size());
  return begin == "fLaC" || begin == "OggS";
}

/// How a file is laid out, as far as its pages tell; of anything but Ogg: a whole one.
struct OggLayout {
  bool chained = false;  ///< a second stream begins where the first has ended (RFC 3533, 4); libsndfile would not read it
  bool cut = false;      ///< it ends amid a page, or before the page that is marked as its stream's last
};

/// Walks from page to page, up to a second stream.
OggLayout ogg_layout(const InputFile& input) {
  constexpr std::size_t header_bytes = 27;
  constexpr unsigned first_page = 2, last_page = 4;
  std::array<std::uint8_t, header_bytes + 255> page{};
  OggLayout layout;
  bool data_seen = false;
  for (std::int64_t at = 0;;) {
    const std::size_t got = input.read_at(at, page.data(), page.size());
    const bool is_page = std::equal(page.begin(), page.begin() + std::ptrdiff_t(std::min<std::size_t>(got, 4)), "OggS");
    if (got >= 4 && !is_page) return layout;  // what follows the sound
    const std::size_t segments = page[header_bytes - 1];
    if (got < header_bytes + segments) {
      layout.cut = data_seen && (got > 0 || layout.cut);
      return layout;
    }
    const bool first = (page[5] & first_page) != 0;
    layout.chained = first && data_seen;
    if (layout.chained) return layout;
    data_seen |= !first;
    at += std::int64_t(header_bytes + segments);
    for (std::size_t i = 0; i < segments; ++i) at += page[header_bytes + i];
    layout.cut = (page[5] & last_page) == 0 || at > input.size();
  }
}

class SndfileReader : public BlockReader {
 public:
  SndfileReader(std::unique_ptr<InputFile> input, SndfilePtr file, const SF_INFO& stream, bool cut, Tags tags, std::optional<Picture> cover)
      : BlockReader(input->name(), /*live=*/false), input_(std::move(input)), file_(std::move(file)), cut_(cut) {
    info_.rate = stream.samplerate;
    info_.channels = stream.channels;
    info_.container = container_name(stream.format);
    info_.codec = codec_name(stream.format);
    if (stream.frames >= 0 && stream.frames < SF_COUNT_MAX) info_.frames = stream.frames;
    info_.tags = std::move(tags);
    info_.cover = std::move(cover);
    check_known_length();
  }

 protected:
  void read_block(AudioBuffer& out, std::size_t max_frames) override {
    interleaved_.resize(max_frames * std::size_t(info_.channels));
    const sf_count_t got = sf_readf_float(file_.get(), interleaved_.data(), sf_count_t(max_frames));
    const std::size_t before = out.frames(), frames = got > 0 ? std::size_t(got) : 0;
    for (auto& channel : out.channels) channel.resize(before + frames);
    deinterleave(interleaved_.data(), frames, out, before);
  }

  /// Checks a stream that gave no more: corrupt, shorter than it says, without any sound, or well.
  void end() override {
    const double seconds = double(frames_read()) / info_.rate;
    // A decoder that ran out of bytes was cut off; one that failed before has met damage.
    const bool all_read = ::lseek(input_->fd(), 0, SEEK_CUR) >= input_->size();
    if (sf_error(file_.get()) != SF_ERR_NO_ERROR && (!all_read || frames_read() == 0))
      fail(ErrorCode::bad_audio, "{} is damaged {:.2f} s from its start: {}", input_->name(), seconds, sf_strerror(file_.get()));
    if (frames_read() == 0) fail(ErrorCode::bad_audio, "{} holds no sound (0 samples).", input_->name());
    if (cut_ || frames_read() < info_.frames || sf_error(file_.get()) != SF_ERR_NO_ERROR) warn_of_early_end(info_.frames);
  }

 private:
  std::unique_ptr<InputFile> input_;
  SndfilePtr file_;
  std::vector<float> interleaved_;
  const bool cut_;
};

}  // namespace

std::unique_ptr<AudioReader> open_sndfile_reader(std::unique_ptr<InputFile>& input, Tags tags, std::optional<Picture> cover) {
  if (!is_known(*input)) return nullptr;
  const OggLayout layout = ogg_layout(*input);
  if (layout.chained) return nullptr;
  input->rewind();
  SF_INFO stream{};
  // libsndfile closes the descriptor it fails to open whatever it is told, hence a second one.
  const int fd = ::fcntl(input->fd(), F_DUPFD_CLOEXEC, 0);
  if (fd < 0) fail(ErrorCode::io, "Cannot open {} again: {}.", input->name(), std::strerror(errno));
  SndfilePtr file(sf_open_fd(fd, SFM_READ, &stream, SF_TRUE));
  if (!file || container_name(stream.format).empty()) return nullptr;
  check_stream(ErrorCode::bad_audio, input->name(), stream.samplerate, stream.channels);
  return std::make_unique<SndfileReader>(std::move(input), std::move(file), stream, layout.cut, std::move(tags), std::move(cover));
}

}  // namespace voxconv
