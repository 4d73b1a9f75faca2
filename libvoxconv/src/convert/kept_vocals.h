#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "voxconv/audio_io.h"

namespace voxconv {

/// Writes a file of separated vocals. These may reach above full scale, where integers clip and the singer would stay in the music: the
/// file has them 18 dB lower, which leaves 21 of its 24 bits.
class KeptVocalsWriter : public AudioWriter {
 public:
  /// `song`: hash of the song's file, to which its tags bind it; empty: nothing.
  KeptVocalsWriter(const std::string& path, const AudioInfo& info, const std::string& song);
  void write(const AudioBuffer& audio) override;
  void finish() override { file_->finish(); }

 private:
  std::unique_ptr<AudioWriter> file_;
};

/// Reads vocals as they are: of KeptVocalsWriter, or of any other file.
class VocalsReader : public AudioReader {
 public:
  explicit VocalsReader(const std::string& path);
  const AudioInfo& info() const override { return file_->info(); }
  bool read(AudioBuffer& out, std::size_t max_frames) override;

 private:
  std::unique_ptr<AudioReader> file_;
  bool kept_;
};

/// Separated vocals that are kept for the next voice, by a name that tells the song and the separator. A convenience: where the folder
/// cannot be used, that is logged, and the cover is made without it. Other processes may use it at the same time.
class VocalsCache {
 public:
  /// `song`: hash of its file. Without a folder, a song or a size nothing is kept.
  VocalsCache(const std::string& folder, std::uint64_t most_bytes, const std::string& song, const std::string& separator_key);

  const std::string& song() const { return song_; }
  /// Gives `to` the kept vocals, which then stay there whatever becomes of the cache. False: there are none.
  bool take(const std::string& to) const;
  /// False, which is told: there is no room for it, or it cannot be written. `with`: of a lead voice the file of all vocals, which is kept
  /// already: there has to be room for both.
  bool keep(const std::string& from, const std::string& with = "") const;
  /// Takes out what was used longest ago, until what is there is small enough.
  void trim() const;

 private:
  std::string folder_;
  std::uint64_t most_;
  std::string song_;
  std::filesystem::path path_;  ///< empty: nothing is kept
};

}  // namespace voxconv
