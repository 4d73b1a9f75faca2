#include <fmt/format.h>
#include <sys/resource.h>

#include <cstring>
#include <limits>

#include "audio_remux.h"
#include "audio_testing.h"
#include "voxconv/progress.h"

namespace voxconv {
namespace {

using namespace testing_audio;

const std::vector<std::string>& names() {
  static const std::vector<std::string> all{"d.wav", "d.flac", "d.mp3", "d.ogg", "d.opus", "d.m4a", "d.mkv", "d.webm"};
  return all;
}

/// The bytes of two seconds of sound in that kind of file.
std::string healthy(const std::string& name) {
  const AudioBuffer in = chord(48000, 1, 2);
  if (name == "d.mkv" || name == "d.webm") {
    write_audio(scratch("healthy.opus"), in);
    remux_audio(scratch("healthy.opus"), scratch(name), name == "d.mkv" ? "matroska" : "webm");
  } else {
    write_audio(scratch(name), in);
  }
  return read_bytes(scratch(name));
}

/// Reads a file that may be anything: the frames it gave, or none after an Error(bad_audio). Any other outcome fails the test.
std::size_t read_anything(const std::string& path) {
  try {
    const auto reader = open_reader(path);
    AudioBuffer block;
    std::size_t frames = 0;
    while (reader->read(block, 4096)) {
      frames += block.frames();
      EXPECT_EQ(block.channel_count(), std::size_t(reader->info().channels));
      for (const auto& channel : block.channels)
        for (const float x : channel)
          if (!std::isfinite(x)) ADD_FAILURE() << "not a number from " << path;
      if (frames > 10'000'000) {
        ADD_FAILURE() << path << " does not end";
        break;
      }
    }
    EXPECT_GT(frames, 0u);
    return frames;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_audio) << error.what();
    EXPECT_NE(std::string(error.what()).find(path), std::string::npos) << error.what();
    return 0;
  }
}

void put(std::string& bytes, std::size_t at, std::uint64_t value, int width) {
  for (int i = 0; i < width; ++i) bytes.at(at + std::size_t(i)) = char(value >> (8 * i));
}

/// A plain 16-bit WAV header with those claims, over `samples` samples of sound.
std::string wav_claiming(int channels, std::uint32_t rate, std::uint32_t data_bytes, int samples) {
  std::string bytes(44 + std::size_t(samples) * 2, '\0');
  bytes.replace(0, 4, "RIFF");
  put(bytes, 4, 36 + std::uint64_t(data_bytes), 4);
  bytes.replace(8, 8, "WAVEfmt ");
  put(bytes, 16, 16, 4);
  put(bytes, 20, 1, 2);
  put(bytes, 22, std::uint64_t(channels), 2);
  put(bytes, 24, rate, 4);
  put(bytes, 28, std::uint64_t(rate) * std::uint64_t(channels) * 2, 4);
  put(bytes, 32, std::uint64_t(channels) * 2, 2);
  put(bytes, 34, 16, 2);
  bytes.replace(36, 4, "data");
  put(bytes, 40, data_bytes, 4);
  for (int i = 0; i < samples; ++i) put(bytes, 44 + std::size_t(i) * 2, std::uint64_t(i % 1000), 2);
  return bytes;
}

/// The most memory this process has held so far.
long memory_kib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

TEST(Damage, MissingEmptyAndNotSound) {
  EXPECT_NE(error_of(ErrorCode::not_found, [] { open_reader(scratch("missing.wav")); }).find("does not exist"), std::string::npos);
  error_of(ErrorCode::not_found, [] { open_reader(scratch("missing.wav") + "/x"); });
  error_of(ErrorCode::io, [] { open_reader(fs::path(scratch("x")).parent_path().string()); });
  write_bytes(scratch("empty.wav"), "");
  EXPECT_NE(error_of(ErrorCode::bad_audio, [] { open_reader(scratch("empty.wav")); }).find("0 bytes"), std::string::npos);
  for (const char* name : {"text.txt", "text.wav", "text.mp3", "text.au", "text.m3u8", "text.opus"}) {
    write_bytes(scratch(name), "#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\nNothing but text.\n");
    EXPECT_EQ(read_anything(scratch(name)), 0u);
  }
  write_bytes(scratch("one.wav"), "R");
  EXPECT_EQ(read_anything(scratch("one.wav")), 0u);
}

TEST(Damage, NoSoundInside) {
  for (const char* format : {"wav", "flac"}) {
    WriteOptions options;
    options.format = format;
    open_writer(scratch("none"), options)->finish();
    EXPECT_NE(error_of(ErrorCode::bad_audio, [] { read_audio(scratch("none")); }).find("no sound"), std::string::npos) << format;
  }
}

TEST(Damage, CutAnywhere) {
  for (const std::string& name : names()) {
    const std::string whole = healthy(name);
    for (int part = 0; part < 40; ++part) {
      const std::size_t length = part < 20 ? std::size_t(part * part * 2) + 1 : whole.size() * std::size_t(part - 19) / 21;
      write_bytes(scratch(name), whole.substr(0, std::min(length, whole.size())));
      const std::size_t frames = read_anything(scratch(name));
      EXPECT_LT(frames, 100'000u) << name << " cut to " << length;
      // What is there is heard, except where the index was at the end.
      if (part == 36 && name != "d.m4a") {
        EXPECT_GT(frames, 30'000u) << name;
      }
    }
  }
}

TEST(Damage, FlippedBytes) {
  std::uint64_t state = 1;
  const auto dice = [&](std::size_t sides) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return std::size_t(state >> 33) % sides;
  };
  for (const std::string& name : names()) {
    const std::string whole = healthy(name);
    for (int round = 0; round < 40; ++round) {
      std::string bytes = whole;
      const std::size_t reach = round % 2 ? bytes.size() : std::min<std::size_t>(bytes.size(), 512);
      for (int flip = 0; flip < 1 + round; ++flip) bytes[dice(reach)] = char(dice(256));
      write_bytes(scratch(name), bytes);
      read_anything(scratch(name));
    }
  }
}

TEST(Damage, AHoleIsBridgedAndReported) {
  std::string warning;
  set_log_callback([&](LogLevel level, const std::string& text) {
    if (level == LogLevel::warning) warning = text;
  });
  std::string bytes = healthy("d.m4a");
  for (std::size_t i = bytes.size() / 3; i < bytes.size() / 3 + 400; ++i) bytes[i] = char(i * 7);
  write_bytes(scratch("hole.m4a"), bytes);
  const AudioBuffer out = read_audio(scratch("hole.m4a"));
  set_log_callback({});
  EXPECT_NEAR(double(out.frames()), 96000, 2048);
  const auto last = [](const AudioBuffer& audio) {
    return std::vector<float>(audio.channels[0].begin() + 76000, audio.channels[0].begin() + 95000);
  };
  EXPECT_GT(snr_db(last(chord(48000, 1, 2)), last(out)), 15) << "what follows the hole is in time";
  EXPECT_NE(warning.find("damaged"), std::string::npos) << warning;
}

TEST(Damage, HeadersThatLie) {
  const auto outcome = [](const std::string& bytes) {
    write_bytes(scratch("lie.wav"), bytes);
    return read_anything(scratch("lie.wav"));
  };
  EXPECT_EQ(outcome(wav_claiming(1, 44100, 2000, 1000)), 1000u);
  EXPECT_EQ(outcome(wav_claiming(1, 44100, 0xfffffff0u, 1000)), 1000u) << "far more than there is";
  EXPECT_EQ(outcome(wav_claiming(1, 44100, 1000, 1000)), 500u) << "less than there is";
  for (const int channels : {0, 65, 255, 1024, 65535}) EXPECT_EQ(outcome(wav_claiming(channels, 44100, 2000, 1000)), 0u) << channels;
  for (const std::uint32_t rate : {0u, 1u, 999u, 768001u, 0x7fffffffu, 0xffffffffu})
    EXPECT_EQ(outcome(wav_claiming(1, rate, 2000, 1000)), 0u) << rate;
  std::string bits = wav_claiming(1, 44100, 2000, 1000);
  for (const int width : {0, 1, 7, 48, 65535}) {
    put(bits, 34, std::uint64_t(width), 2);
    outcome(bits);
  }
}

TEST(Damage, MoreThanAnybodySingsIsRefused) {
  write_bytes(scratch("bomb.wav"), wav_claiming(8, 655350, 2000, 1000));
  EXPECT_NE(error_of(ErrorCode::bad_audio, [] { open_reader(scratch("bomb.wav")); }).find("5.2 million samples a second"),
            std::string::npos);
  // A week of 64 channels, in a file with a hole for its samples: what it costs to read is known at its beginning.
  const RawFormat week{48000, 64, "s16"};
  write_bytes(scratch("week.raw"), "x");
  fs::resize_file(scratch("week.raw"), std::uintmax_t{7 * 86400} * 48000 * 64 * 2);
  EXPECT_NE(error_of(ErrorCode::bad_audio, [&] { open_reader(scratch("week.raw"), {week}); }).find("split it first"), std::string::npos);
}

TEST(Damage, AClaimTakesNoMemory) {
  std::string bytes = wav_claiming(1, 44100, 2000, 1000);
  std::string list(20, '\0');  // a title of 1.8 GB
  list.replace(0, 4, "LIST");
  put(list, 4, 0x70000000, 4);
  list.replace(8, 8, "INFOINAM");
  put(list, 16, 0x6b000000, 4);
  bytes.insert(36, list);
  write_bytes(scratch("claim.wav"), bytes);
  const auto before = memory_kib();
  read_anything(scratch("claim.wav"));
  EXPECT_LT(memory_kib() - before, 160 * 1024);
}

TEST(Damage, ACutFlacIsReportedAndHeard) {
  std::string warning;
  set_log_callback([&](LogLevel level, const std::string& text) {
    if (level == LogLevel::warning) warning = text;
  });
  const std::string whole = healthy("d.flac");
  write_bytes(scratch("cut.flac"), whole.substr(0, whole.size() / 2));
  const std::size_t frames = read_anything(scratch("cut.flac"));
  set_log_callback({});
  EXPECT_GT(frames, 20'000u);
  EXPECT_LT(frames, 80'000u);
  EXPECT_NE(warning.find("cut off"), std::string::npos) << warning;
}

TEST(Damage, ALossOfFramesNearTheEndIsReported) {
  std::string warning;
  set_log_callback([&](LogLevel level, const std::string& text) {
    if (level == LogLevel::warning) warning = text;
  });
  const std::string whole = healthy("d.flac");
  for (const std::size_t missing : {1, 1000, 3000}) {
    warning.clear();
    write_bytes(scratch("cut.flac"), whole.substr(0, whole.size() - missing));
    const AudioBuffer audio = read_audio(scratch("cut.flac"));
    EXPECT_NE(warning.find(fmt::format("{:.2f} s before its time", double(96000 - audio.frames()) / 48000)), std::string::npos) << warning;
  }
  set_log_callback({});
}

/// Two seconds as WavPack, which voxconv does not write.
void write_wavpack(const std::string& path) {
  const auto check = [](int result) {
    if (result < 0) throw std::runtime_error(ffmpeg_error(result));
  };
  const AudioBuffer audio = chord(48000, 1, 2);
  AVFormatContext* out = nullptr;
  check(avformat_alloc_output_context2(&out, nullptr, "wv", path.c_str()));
  const AVCodec* encoder = avcodec_find_encoder(AV_CODEC_ID_WAVPACK);
  const CodecPtr codec(avcodec_alloc_context3(encoder));
  codec->sample_rate = 48000;
  codec->sample_fmt = AV_SAMPLE_FMT_FLTP;
  codec->ch_layout = AV_CHANNEL_LAYOUT_MONO;
  check(avcodec_open2(codec.get(), encoder, nullptr));
  AVStream* stream = avformat_new_stream(out, nullptr);
  check(avcodec_parameters_from_context(stream->codecpar, codec.get()));
  check(avio_open(&out->pb, path.c_str(), AVIO_FLAG_WRITE));
  check(avformat_write_header(out, nullptr));
  const PacketPtr packet(av_packet_alloc());
  const auto send = [&](const AVFrame* frame) {
    check(avcodec_send_frame(codec.get(), frame));
    while (avcodec_receive_packet(codec.get(), packet.get()) >= 0) check(av_write_frame(out, packet.get()));
  };
  constexpr int length = 4800;
  for (std::size_t at = 0; at < audio.frames(); at += length) {
    const FramePtr frame(av_frame_alloc());
    frame->nb_samples = length;
    frame->format = codec->sample_fmt;
    frame->sample_rate = codec->sample_rate;
    check(av_channel_layout_copy(&frame->ch_layout, &codec->ch_layout));
    check(av_frame_get_buffer(frame.get(), 0));
    std::memcpy(frame->data[0], audio.channels[0].data() + at, length * sizeof(float));
    frame->pts = std::int64_t(at);
    send(frame.get());
  }
  send(nullptr);
  check(av_write_trailer(out));
  avio_closep(&out->pb);
  avformat_free_context(out);
}

TEST(Damage, WhateverIsCutIsReportedAndHeard) {
  std::string warning;
  set_log_callback([&](LogLevel level, const std::string& text) {
    if (level == LogLevel::warning) warning = text;
  });
  const std::string wav = healthy("d.wav");
  for (const char* name : {"d.wav", "d.aiff", "d.mp3", "d.ogg", "d.opus", "d.flac", "d.wv"}) {
    if (std::string(name) == "d.wv") {
      write_wavpack(scratch(name));
    } else if (std::string(name) == "d.aiff") {
      write_bytes(scratch("d.wav"), wav);
      remux_audio(scratch("d.wav"), scratch("d.aiff"), "aiff");
    } else {
      healthy(name);
    }
    warning.clear();
    const std::size_t whole = read_anything(scratch(name));
    EXPECT_EQ(warning, "") << name << " is whole";
    const std::string bytes = read_bytes(scratch(name));
    for (const double part : {0.8, 0.9}) {
      warning.clear();
      write_bytes(scratch(std::string("cut.") + name), bytes.substr(0, std::size_t(part * double(bytes.size()))));
      const std::size_t frames = read_anything(scratch(std::string("cut.") + name));
      EXPECT_GT(frames, 20'000u) << name;
      EXPECT_LT(frames, whole) << name;
      EXPECT_NE(warning.find("before its time"), std::string::npos) << name << " " << part << ": " << warning;
    }
  }
  set_log_callback({});
}

TEST(Damage, AVideoWithoutSoundIsSaidSo) {
  write_video_only(scratch("video.mkv"));
  EXPECT_NE(error_of(ErrorCode::bad_audio, [] { open_reader(scratch("video.mkv")); }).find("no audio stream"), std::string::npos);
}

TEST(Damage, WhatChangesOnTheWayIsSaidSo) {
  for (const char* extension : {"mp3", "ogg"}) {
    const std::string mono = scratch(std::string("mono.") + extension), stereo = scratch(std::string("stereo.") + extension);
    write_audio(mono, chord(44100, 1, 1));
    write_audio(stereo, chord(48000, 2, 1));
    remux_audio(stereo, scratch("second"), extension);  // gives an Ogg stream a serial number of its own
    write_bytes(scratch("chained"), read_bytes(mono) + read_bytes(scratch("second")));
    const std::string message = error_of(ErrorCode::bad_audio, [] { read_audio(scratch("chained")); });
    EXPECT_NE(message.find("changes from"), std::string::npos) << message;
    // Of one kind they are read through.
    remux_audio(mono, scratch("second"), extension);
    write_bytes(scratch("chained"), read_bytes(mono) + read_bytes(scratch("second")));
    EXPECT_NEAR(double(read_audio(scratch("chained")).frames()), 88200, 5000) << extension;
  }
}

TEST(Damage, NotANumberBecomesSilence) {
  AudioBuffer in(44100, 1, 1000);
  WriteOptions options;
  options.format = "wavf";
  write_audio(scratch("nan.wav"), in, options);
  std::string bytes = read_bytes(scratch("nan.wav"));
  const float wrong[] = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                         -std::numeric_limits<float>::infinity(), 1e30f};
  for (std::size_t i = 0; i < 1000; ++i) std::memcpy(bytes.data() + bytes.size() - 4000 + i * 4, &wrong[i % 4], 4);
  write_bytes(scratch("nan.wav"), bytes);
  const AudioBuffer out = read_audio(scratch("nan.wav"));
  ASSERT_EQ(out.frames(), 1000u);
  for (std::size_t i = 0; i < 1000; ++i) ASSERT_EQ(out.channels[0][i], i % 4 == 3 ? 1e6f : 0.0f);
  // Writers, too, take them for silence.
  AudioBuffer bad(44100, 1, 8);
  bad.channels[0].assign(8, wrong[0]);
  for (const char* name : {"bad.wav", "bad.flac"}) {
    write_audio(scratch(name), bad);
    EXPECT_EQ(read_audio(scratch(name)).channels[0], std::vector<float>(8)) << name;
  }
}

TEST(Damage, SilenceAndTheShortestSounds) {
  for (const char* name : {"short.wav", "short.flac", "short.mp3", "short.ogg", "short.opus", "short.m4a"}) {
    for (const std::size_t frames : {1u, 100u, 2400u}) {  // 2400: 0.05 s
      write_audio(scratch(name), AudioBuffer(48000, 1, frames));
      const AudioBuffer out = read_audio(scratch(name));
      // An MP3 tells at most 4095 samples of padding.
      EXPECT_GE(out.frames(), frames) << name;
      EXPECT_LE(out.frames(), frames + (std::string(name) == "short.mp3" ? 1152 : 0)) << name;
      EXPECT_LT(peak(out.channels[0]), 1e-3) << name;
    }
  }
}

TEST(Damage, TenHoursInBoundedMemory) {
  // Ten hours at 4 kHz in a file with a hole for its samples.
  constexpr std::uint32_t bytes = 36000u * 4000 * 2;
  write_bytes(scratch("hours.wav"), wav_claiming(1, 4000, bytes, 0));
  fs::resize_file(scratch("hours.wav"), 44 + std::uintmax_t(bytes));
  const auto before = memory_kib();
  const auto reader = open_reader(scratch("hours.wav"));
  EXPECT_EQ(reader->info().frames, 36000 * 4000);
  AudioBuffer block;
  std::int64_t frames = 0;
  while (reader->read(block, 40'000)) frames += std::int64_t(block.frames());
  EXPECT_EQ(frames, 36000 * 4000);
  EXPECT_LT(memory_kib() - before, 16 * 1024);
  const auto greedy = open_reader(scratch("hours.wav"));
  ASSERT_TRUE(greedy->read(block, std::numeric_limits<std::size_t>::max()));
  EXPECT_LT(memory_kib() - before, 256 * 1024) << "who asks for everything gets a part";
  error_of(ErrorCode::bad_audio, [] { read_audio(scratch("hours.wav")); });
}

}  // namespace
}  // namespace voxconv
