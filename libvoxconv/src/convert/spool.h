#pragma once
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "voxconv/audio_io.h"

namespace voxconv {

/// A source that is read twice, of which a pipe allows once: what read() gives is kept in a temporary file (in $TMPDIR, else /var/tmp,
/// which lies on a disk), float32, until rewind(); then it comes from there. The file has no name and goes with the object. It does not
/// grow beyond `most_bytes`, as a pipe may never end.
class Spool : public AudioReader {
 public:
  static constexpr std::int64_t usual_bytes = std::int64_t{8} << 30;  ///< 12 hours of one channel at 48 kHz

  explicit Spool(AudioReader& source, std::int64_t most_bytes = usual_bytes);  ///< `source` must outlive it. Throws Error(io).
  const AudioInfo& info() const override { return info_; }
  bool read(AudioBuffer& out, std::size_t max_frames) override;  ///< also throws Error(io), as where the disk is full or it is too long
  void rewind();                                                 ///< once, after the source's end

 private:
  [[noreturn]] void fail_to(const char* do_what) const;

  AudioReader& source_;
  AudioInfo info_;
  std::int64_t most_bytes_;
  std::string folder_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  std::int64_t kept_ = 0, given_ = 0;  ///< frames
  bool rewound_ = false;
  std::vector<float> interleaved_;
};

}  // namespace voxconv
