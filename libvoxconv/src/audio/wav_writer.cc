#include <array>
#include <limits>
#include <string_view>
#include <utility>

#include "audio/block_writer.h"
#include "audio/byte_writer.h"
#include "audio/id3.h"
#include "audio/writers.h"

namespace voxconv {
namespace {

constexpr std::uint64_t unknown_size = std::numeric_limits<std::uint32_t>::max();

constexpr std::array<std::pair<std::string_view, std::string_view>, 8> info_chunks{{{"title", "INAM"},
                                                                                    {"artist", "IART"},
                                                                                    {"album", "IPRD"},
                                                                                    {"comment", "ICMT"},
                                                                                    {"copyright", "ICOP"},
                                                                                    {"date", "ICRD"},
                                                                                    {"encoder", "ISFT"},
                                                                                    {"genre", "IGNR"}}};

void add_chunk(ByteWriter& out, std::string_view id, const std::vector<std::uint8_t>& body) {
  out.text(id);
  out.little<4>(body.size());
  out.append(body);
  out.zeros(body.size() % 2);
}

std::vector<std::uint8_t> info_list(const Tags& tags) {
  ByteWriter list;
  list.text("INFO");
  for (const auto& [key, id] : info_chunks) {
    const auto tag = tags.find(std::string(key));
    if (tag == tags.end()) continue;
    ByteWriter text;
    text.text(tag->second);
    text.zeros(1);
    add_chunk(list, id, text.bytes());
  }
  return list.size() > 4 ? list.bytes() : std::vector<std::uint8_t>();
}

/// The "fmt " chunk: plain up to two channels, else extensible without a claim where the speakers stand.
std::vector<std::uint8_t> format_chunk(int rate, int channels, PcmFormat format) {
  const std::size_t width = bytes_per_sample(format);
  const int tag = format == PcmFormat::f32 ? 3 : 1;
  const bool extensible = channels > 2;
  ByteWriter chunk;
  chunk.little<2>(extensible ? 0xfffe : tag);
  chunk.little<2>(channels);
  chunk.little<4>(rate);
  chunk.little<4>(std::uint64_t(rate) * channels * width);
  chunk.little<2>(channels * width);
  chunk.little<2>(width * 8);
  if (extensible) {
    chunk.little<2>(22);
    chunk.little<2>(width * 8);
    chunk.little<4>(0);
    chunk.little<2>(tag);
    for (int byte : {0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80, 0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71}) chunk.little<1>(byte);
  }
  return chunk.bytes();
}

class PcmWriter : public BlockWriter {
 public:
  PcmWriter(std::unique_ptr<OutputFile> output, const WriteOptions& options, PcmFormat format)
      : BlockWriter(options.rate, options.channels), output_(std::move(output)), format_(format) {}

 protected:
  void write_block(const AudioBuffer& audio, std::size_t begin, std::size_t end) override {
    bytes_.clear();
    encode_pcm(audio, begin, end, format_, bytes_);
    output_->write(bytes_.data(), bytes_.size());
    data_bytes_ += bytes_.size();
  }

  void close() override { output_->commit(); }

  std::unique_ptr<OutputFile> output_;
  const PcmFormat format_;
  std::uint64_t data_bytes_ = 0;

 private:
  std::vector<std::uint8_t> bytes_;
};

class WavWriter : public PcmWriter {
 public:
  WavWriter(std::unique_ptr<OutputFile> output, const WriteOptions& options, PcmFormat format)
      : PcmWriter(std::move(output), options, format) {
    const std::vector<std::uint8_t> id3 = build_id3(options.tags, options.cover), info = info_list(options.tags);
    if (!info.empty()) add_chunk(extras_, "LIST", info);
    if (!id3.empty()) add_chunk(extras_, "id3 ", id3);
    write_header(output_->seekable() ? 0 : unknown_size);
  }

 protected:
  void close() override {
    const bool odd = data_bytes_ % 2 != 0;
    if (odd) output_->write("", 1);
    if (output_->seekable()) {
      output_->seek(0);
      write_header(data_bytes_);
    }
    PcmWriter::close();
  }

 private:
  /// The header's length does not depend on the size, so it can be written again at the end.
  void write_header(std::uint64_t data_bytes) {
    const std::size_t frame_bytes = std::size_t(channels_) * bytes_per_sample(format_);
    const std::vector<std::uint8_t> format = format_chunk(rate_, channels_, format_);
    const std::size_t fact_bytes = format_ == PcmFormat::f32 ? 12 : 0;
    const std::uint64_t header_bytes = 12 + 36 + 8 + format.size() + fact_bytes + extras_.size() + 8;
    const std::uint64_t riff_bytes = header_bytes - 8 + data_bytes + data_bytes % 2;
    const bool stream = data_bytes == unknown_size && !output_->seekable();
    const bool big = !stream && riff_bytes >= unknown_size;
    const auto size32 = [&](std::uint64_t size) { return big || stream ? unknown_size : size; };
    ByteWriter header;
    header.text(big ? "RF64" : "RIFF");
    header.little<4>(size32(riff_bytes));
    header.text("WAVE");
    header.text(big ? "ds64" : "JUNK");
    header.little<4>(28);
    header.little<8>(big ? riff_bytes : 0);
    header.little<8>(big ? data_bytes : 0);
    header.little<8>(big ? data_bytes / frame_bytes : 0);
    header.little<4>(0);
    add_chunk(header, "fmt ", format);
    if (fact_bytes > 0) {
      header.text("fact");
      header.little<4>(4);
      header.little<4>(size32(data_bytes / frame_bytes));
    }
    header.append(extras_.bytes());
    header.text("data");
    header.little<4>(size32(data_bytes));
    output_->write(header.bytes().data(), header.size());
  }

  ByteWriter extras_;
};

}  // namespace

std::unique_ptr<AudioWriter> open_wav_writer(std::unique_ptr<OutputFile> output, const WriteOptions& options, PcmFormat format) {
  return std::make_unique<WavWriter>(std::move(output), options, format);
}

std::unique_ptr<AudioWriter> open_raw_writer(std::unique_ptr<OutputFile> output, const WriteOptions& options, PcmFormat format) {
  return std::make_unique<PcmWriter>(std::move(output), options, format);
}

}  // namespace voxconv
