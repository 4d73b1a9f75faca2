#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include "audio/find_audio.h"
#include "audio/own_tags.h"
#include "convert/batch_run.h"
#include "core/boundary.h"
#include "core/fail.h"
#include "voxconv/batch.h"

namespace voxconv {
namespace fs = std::filesystem;
namespace {

using State = BatchItem::State;

/// A source and the folder it keeps below out_dir.
struct Source {
  fs::path path, folder;
  State state = State::waiting;
  ErrorCode code = ErrorCode::not_found;  ///< of a failure
  std::string reason;                     ///< of a failure, or why it is left out
  std::vector<fs::path> targets;          ///< the one named by the template, then further ones
};

void add_folder(const fs::path& folder, const std::string& out_dir, std::vector<Source>& sources) {
  std::vector<LeftOut> left_out;
  const std::vector<std::string> files = find_audio(folder.string(), out_dir, left_out);
  if (files.empty())
    sources.push_back(
        {folder, {}, State::failed, ErrorCode::not_found, fmt::format("The folder {} holds no audio files.", folder.string())});
  for (const std::string& file : files) sources.push_back({file, fs::path(file).parent_path().lexically_relative(folder)});
  for (const LeftOut& file : left_out) sources.push_back({file.path, {}, State::left_out, {}, file.reason});
}

void add_path(const fs::path& path, const std::string& out_dir, std::vector<Source>& sources) {
  if (std::error_code none; fs::is_directory(path, none))
    add_folder(path, out_dir, sources);
  else
    sources.push_back({path, {}});
}

std::vector<Source> find_sources(const std::vector<std::string>& inputs, const std::string& out_dir) {
  std::vector<Source> sources;
  for (const std::string& input : inputs) {
    // What exists under this very name is no pattern, whatever characters it has. What cannot be looked at is told when it is opened.
    if (std::error_code error; fs::exists(input, error) || error) {
      add_path(input, out_dir, sources);
      continue;
    }
    glob_t found{};
    const int rc = ::glob(input.c_str(), 0, nullptr, &found);
    if (rc == 0)
      for (std::size_t i = 0; i < found.gl_pathc; ++i) add_path(found.gl_pathv[i], out_dir, sources);
    else
      sources.push_back({input, {}, State::failed, ErrorCode::not_found, fmt::format("There is no file {}.", input)});
    ::globfree(&found);
  }
  // A file that is named twice, by itself and by its folder, is converted once; one that its folder would leave out, as it was named.
  std::set<fs::path> seen, named;
  for (const Source& source : sources)
    if (source.state != State::left_out) named.insert(source.path.lexically_normal());
  std::erase_if(sources, [&](const Source& source) {
    const fs::path path = source.path.lexically_normal();
    return (source.state == State::left_out && named.contains(path)) || !seen.insert(path).second;
  });
  return sources;
}

/// The extension of a write format: "wav24" -> "wav".
std::string extension_of(const std::string& format) { return format.starts_with("wav") ? "wav" : format; }

bool can_write(const std::string& extension) {
  const auto& formats = write_formats();
  return std::find(formats.begin(), formats.end(), extension) != formats.end();
}

std::string lower_extension(const fs::path& path) {
  std::string extension = path.extension().string();
  if (!extension.empty()) extension.erase(0, 1);
  std::transform(extension.begin(), extension.end(), extension.begin(), [](unsigned char c) { return char(std::tolower(c)); });
  return extension;
}

std::string key_text(const ConvertOptions& options) {
  if (options.key_auto) return "auto";
  return options.key == 0 ? "0" : fmt::format("{:+g}", options.key);
}

std::string expand(const std::string& text, const std::map<std::string, std::string>& values) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t open = text.find('{', at), close = text.find('}', open);
    result += text.substr(at, open - at);
    if (open == std::string::npos) break;
    const std::string name = close == std::string::npos ? "" : text.substr(open + 1, close - open - 1);
    const auto value = values.find(name);
    if (value == values.end())
      fail(ErrorCode::usage,
           "The name template \"{}\" has an unknown part at \"{}\"; known are {{stem}}, {{source_ext}}, {{n}}, {{voice}}, {{key}} and "
           "{{ext}}.",
           text, text.substr(open, 12));
    result += value->second;
    at = close + 1;
  }
  return result;
}

/// `n`: what {n} stands for.
fs::path target_of(const Source& source, const BatchOptions& options, const VoiceInfo& voice, const std::string& n) {
  const std::string own = lower_extension(source.path);
  const std::string extension = !options.format.empty() ? extension_of(options.format) : can_write(own) && own != "raw" ? own : "wav";
  fs::path name = expand(options.name_template, {{"stem", source.path.stem().string()},
                                                 {"source_ext", own},
                                                 {"n", n},
                                                 {"voice", voice.name},
                                                 {"key", key_text(options.convert)},
                                                 {"ext", extension}});
  const bool climbs = std::any_of(name.begin(), name.end(), [](const fs::path& part) { return part == ".."; });
  if (name.empty() || name.is_absolute() || climbs || !name.has_filename())
    fail(ErrorCode::usage, "The name template \"{}\" does not give a file's name inside the output folder.", options.name_template);
  if (options.format.empty() && !can_write(lower_extension(name))) name += "." + extension;
  const fs::path folder = options.out_dir.empty() ? source.path.parent_path() : fs::path(options.out_dir) / source.folder;
  return (folder / name).lexically_normal();
}

using FileId = std::pair<dev_t, ino_t>;

/// Which file a path leads to, for links and folders that ignore case give one file several names. Nothing: there is none.
std::optional<FileId> file_at(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return FileId(status.st_dev, status.st_ino);
}

/// Whether it is a sound that says so (own_tags.h).
bool is_result(const fs::path& path) {
  try {
    return voxconv::is_result(open_reader(path.string())->info().tags);
  } catch (const Error&) {
    return false;
  }
}

/// Gives each source its targets; {n} counts those whose names would else be the same.
void set_targets(std::vector<Source>& sources, const BatchOptions& options, const VoiceInfo& voice, const FurtherTargets& further) {
  std::map<fs::path, int> same_name;
  for (Source& source : sources) {
    if (source.state != State::waiting) continue;
    source.targets = {target_of(source, options, voice, std::to_string(++same_name[target_of(source, options, voice, "")]))};
    for (const fs::path& target : further(source.path, source.folder, source.targets.front()))
      source.targets.push_back(target.lexically_normal());
  }
}

/// A batch that is repeated finds what it wrote beside its sources: results, not songs.
void leave_out_results(std::vector<Source>& sources) {
  std::multiset<FileId> targets;
  for (const Source& source : sources)
    for (const fs::path& target : source.targets)
      if (const auto file = file_at(target)) targets.insert(*file);
  for (Source& source : sources) {
    const auto file = file_at(source.path);
    const auto own = std::ranges::count_if(source.targets, [&](const fs::path& target) { return file == file_at(target); });
    if (source.state != State::waiting || !file || std::ptrdiff_t(targets.count(*file)) <= own || !is_result(source.path)) continue;
    source.state = State::left_out;
    source.reason = "it is the result of another source";
  }
}

void refuse_to_replace_sources(const std::vector<Source>& sources) {
  std::set<FileId> files;
  for (const Source& source : sources)
    if (const auto file = file_at(source.path); file && source.state == State::waiting) files.insert(*file);
  for (const Source& source : sources)
    for (const fs::path& target : source.targets)
      if (const auto file = file_at(target); file && source.state == State::waiting && files.contains(*file))
        fail(ErrorCode::usage, "{} is a source and would be replaced by what is made of {}; choose another name template or output folder.",
             target.string(), source.path.string());
}

/// Of sources that share a target the first is converted.
void fail_where_taken(std::vector<Source>& sources) {
  std::map<fs::path, fs::path> taken;
  for (Source& source : sources) {
    if (source.state != State::waiting) continue;
    const auto shared = std::ranges::find_if(source.targets, [&](const fs::path& target) { return taken.contains(target); });
    if (shared == source.targets.end()) {
      for (const fs::path& target : source.targets) taken.emplace(target, source.path);
      continue;
    }
    source.state = State::failed;
    source.code = ErrorCode::usage;
    const std::string advice = shared == source.targets.begin() && source.targets.size() == 1
                                   ? "tell them apart by {source_ext} or {n} in the name template"
                                   : "give one of them another name or folder";
    source.reason =
        fmt::format("Its result would be written to {}, as that of {}; {}.", shared->string(), taken.at(*shared).string(), advice);
  }
}

}  // namespace

std::vector<BatchItem> plan_batch(const BatchOptions& options, const VoiceInfo& voice) {
  return plan_batch(options, voice, [](const fs::path&, const fs::path&, const fs::path&) { return std::vector<fs::path>(); });
}

std::vector<BatchItem> plan_batch(const BatchOptions& options, const VoiceInfo& voice, const FurtherTargets& further) try {
  if (!options.format.empty() && !can_write(options.format)) fail(ErrorCode::usage, "The format \"{}\" cannot be written.", options.format);
  std::vector<Source> sources = find_sources(options.inputs, options.out_dir);
  set_targets(sources, options, voice, further);
  leave_out_results(sources);
  refuse_to_replace_sources(sources);
  fail_where_taken(sources);
  std::vector<BatchItem> items;
  for (const Source& source : sources) {
    BatchItem item;
    item.source = source.path.string();
    item.state = source.state;
    if (source.state == State::waiting) {
      item.target = source.targets.front().string();
      for (auto target = source.targets.begin() + 1; target != source.targets.end(); ++target)
        item.further_targets.push_back(target->string());
    }
    if (source.state == State::failed) item.code = source.code;
    item.error = source.reason;
    items.push_back(item);
  }
  return items;
} catch (...) {
  throw_as_error();
}

}  // namespace voxconv
