#include "convert/kept_vocals.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>
#include <vector>

#include "audio/own_tags.h"
#include "core/atomic_file.h"
#include "core/fail.h"
#include "core/log.h"
#include "models/separation/separator.h"

namespace voxconv {
namespace fs = std::filesystem;
namespace {

constexpr float kept_scale = 1.0F / 8;

void scale(AudioBuffer& audio, float factor) {
  for (auto& channel : audio.channels)
    for (float& sample : channel) sample *= factor;
}

/// One file under two names where that can be, else a copy.
bool link_or_copy(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_hard_link(from, to, error);
  if (error) fs::copy_file(from, to, error);
  return !error;
}

}  // namespace

KeptVocalsWriter::KeptVocalsWriter(const std::string& path, const AudioInfo& info, const std::string& song) {
  WriteOptions format;
  format.rate = info.rate;
  format.channels = info.channels;
  format.tags = {{own_tag::stem, vocals_stem}, {own_tag::song, song}, {own_tag::scale, fmt::format("{}", kept_scale)}};
  file_ = open_writer(path, format);
}

void KeptVocalsWriter::write(const AudioBuffer& audio) {
  AudioBuffer lower = audio;
  scale(lower, kept_scale);
  file_->write(lower);
}

VocalsReader::VocalsReader(const std::string& path) : file_(open_reader(path)), kept_(file_->info().tags.contains(own_tag::scale)) {}

bool VocalsReader::read(AudioBuffer& out, std::size_t max_frames) {
  const bool more = file_->read(out, max_frames);
  if (kept_) scale(out, 1 / kept_scale);
  return more;
}

VocalsCache::VocalsCache(const std::string& folder, std::uint64_t most_bytes, const std::string& song, const std::string& separator_key)
    : folder_(folder), most_(most_bytes), song_(song) {
  if (!folder_.empty() && most_ > 0 && !song.empty()) path_ = fs::path(folder_) / (song + "-" + separator_key + ".flac");
}

bool VocalsCache::take(const std::string& to) const {
  std::error_code error;
  if (path_.empty() || !fs::is_regular_file(path_, error)) return false;
  fs::last_write_time(path_, fs::file_time_type::clock::now(), error);
  if (!link_or_copy(path_, to)) return false;
  try {
    const Tags tags = open_reader(to)->info().tags;
    const auto song = tags.find(own_tag::song);
    if (song != tags.end() && song->second == song_ && tags.contains(own_tag::scale)) return true;
  } catch (const Error& damaged) {
  }
  fs::remove(to, error);
  return false;
}

bool VocalsCache::keep(const std::string& from, const std::string& with) const try {
  if (path_.empty()) return false;
  const std::uintmax_t bytes = fs::file_size(from), others = with.empty() ? 0 : fs::file_size(with);
  if (bytes + others > most_)
    fail(ErrorCode::io, "{} {:.2f} GB, and all that is kept may take {:.2f} GB (--cache-size).",
         with.empty() ? "they take" : "with all vocals it takes", double(bytes + others) / 1e9, double(most_) / 1e9);
  make_folder(folder_);
  AtomicFile entry(path_.string());
  if (!link_or_copy(from, entry.path())) fail(ErrorCode::io, "Cannot write {}.", entry.path());
  entry.commit();
  return true;
} catch (const std::exception& error) {
  log_warning("The {} for the next voice: {}", with.empty() ? "separated vocals are not kept" : "lead voice is not kept", error.what());
  return false;
}

void VocalsCache::trim() const {
  if (path_.empty()) return;
  std::error_code ignored;
  std::vector<std::pair<fs::file_time_type, fs::path>> files;
  std::uint64_t bytes = 0;
  const auto yesterday = fs::file_time_type::clock::now() - std::chrono::hours(24);
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_, ignored)) {
    if (!entry.is_regular_file(ignored) || entry.path().extension() != ".flac") continue;
    if (entry.path().filename().string().starts_with('.')) {  // being written, or left by a process that was killed
      if (entry.last_write_time(ignored) < yesterday) fs::remove(entry.path(), ignored);
      continue;
    }
    files.emplace_back(entry.last_write_time(ignored), entry.path());
    bytes += entry.file_size(ignored);
  }
  std::ranges::sort(files);
  for (std::size_t i = 0; bytes > most_ && i < files.size(); ++i) {
    bytes -= std::min<std::uint64_t>(bytes, fs::file_size(files[i].second, ignored));
    fs::remove(files[i].second, ignored);
  }
}

}  // namespace voxconv
