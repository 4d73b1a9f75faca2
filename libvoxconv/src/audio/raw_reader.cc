#include <algorithm>
#include <vector>

#include "audio/block_reader.h"
#include "audio/pcm.h"
#include "audio/readers.h"
#include "core/fail.h"

namespace voxconv {
namespace {

class RawReader : public BlockReader {
 public:
  RawReader(std::unique_ptr<InputFile> input, const RawFormat& format)
      : BlockReader(input->name(), !input->seekable()),
        input_(std::move(input)),
        format_(parse_pcm_format(format.sample_format)),
        frame_bytes_(bytes_per_sample(format_) * format.channels) {
    info_.rate = format.rate;
    info_.channels = format.channels;
    info_.container = "raw";
    info_.codec = "pcm_" + format.sample_format;
    if (input_->seekable()) info_.frames = input_->size() / std::int64_t(frame_bytes_);
    check_known_length();
  }

 protected:
  void read_block(AudioBuffer& out, std::size_t max_frames) override {
    const std::size_t wanted = max_frames * frame_bytes_;
    bytes_.resize(std::max(wanted, held_));
    // A pipe gives what it has; all that matters is to have one whole frame. A last incomplete frame is dropped.
    while (held_ < wanted && held_ < frame_bytes_) {
      const std::size_t got = input_->read(bytes_.data() + held_, wanted - held_);
      if (got == 0) break;
      held_ += got;
    }
    const std::size_t frames = std::min(held_, wanted) / frame_bytes_, used = frames * frame_bytes_;
    decode_pcm(bytes_.data(), frames, format_, out);
    std::copy(bytes_.begin() + std::ptrdiff_t(used), bytes_.begin() + std::ptrdiff_t(held_), bytes_.begin());
    held_ -= used;
  }

  void end() override {
    if (frames_read() == 0) fail(ErrorCode::bad_audio, "{} holds no sound (0 samples).", input_->name());
  }

 private:
  std::unique_ptr<InputFile> input_;
  PcmFormat format_;
  std::size_t frame_bytes_;
  std::vector<std::uint8_t> bytes_;
  std::size_t held_ = 0;
};

}  // namespace

RawFormat RawFormat::parse(const std::string& text) {
  const auto first = text.find(','), second = first == std::string::npos ? first : text.find(',', first + 1);
  RawFormat format;
  try {
    if (second == std::string::npos) throw std::invalid_argument(text);
    std::size_t end = 0;
    format.rate = std::stoi(text.substr(0, first), &end);
    if (end != first) throw std::invalid_argument(text);
    const std::string count = text.substr(first + 1, second - first - 1);
    format.channels = std::stoi(count, &end);
    if (end != count.size()) throw std::invalid_argument(text);
  } catch (const std::logic_error&) {
    fail(ErrorCode::usage, "\"{}\" does not describe raw sound: give rate,channels,format, e.g. 48000,1,s16.", text);
  }
  format.sample_format = text.substr(second + 1);
  parse_pcm_format(format.sample_format);
  check_stream(ErrorCode::usage, "raw sound", format.rate, format.channels);
  return format;
}

std::unique_ptr<AudioReader> open_raw_reader(std::unique_ptr<InputFile> input, const RawFormat& format) {
  check_stream(ErrorCode::usage, "raw sound", format.rate, format.channels);
  return std::make_unique<RawReader>(std::move(input), format);
}

}  // namespace voxconv
