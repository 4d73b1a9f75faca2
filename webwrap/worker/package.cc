#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <map>

#include "domain/id.h"
#include "log/log.h"
#include "release/csv.h"
#include "release/ern.h"
#include "release/zip.h"
#include "store/job_end.h"
#include "store/voice_info.h"
#include "worker/audio_runner.h"
#include "worker/loudness.h"
#include "worker/song_mix.h"

namespace webwrap {
namespace {

using nlohmann::json;

constexpr int master_rate = 44100;
constexpr double most_true_peak_dbtp = -1;

std::string host_of(const std::string& url) { return url.substr(url.find("//") + 2); }

std::string number(double value) { return std::isfinite(value) ? fmt::format("{:.1f}", value) : "-inf"; }

std::string names(const std::vector<Credit>& credits, std::initializer_list<const char*> roles) {
  std::string line;
  for (const Credit& credit : credits)
    for (const char* role : roles)
      if (credit.role == role) line += (line.empty() ? "" : "; ") + credit.name;
  return line;
}

ReleaseFile described(const std::string& name, const std::string& path) {
  return {name, std::int64_t(std::filesystem::file_size(path)), sha256_of_file(path)};
}

/// What a distributor's web form asks for, one line for each song.
std::string metadata_csv(const ReleaseMessage& release, const std::vector<voxconv::VoiceInfo>& voices) {
  std::string text = csv_line({"track",    "title",          "version",         "artists",  "release title",
                               "label",    "genre",          "release date",    "UPC",      "ISRC",
                               "ISWC",     "composers",      "lyricists",       "language", "explicit",
                               "cover",    "original title", "original artist", "P line",   "C line",
                               "duration", "contains AI",    "AI use",          "voice",    "licence of the voice",
                               "file",     "SHA-256"});
  const ReleaseForm& form = release.form;
  for (std::size_t i = 0; i < release.tracks.size(); ++i) {
    const ReleaseTrack& track = release.tracks[i];
    text += csv_line({std::to_string(i + 1),
                      track.form.title,
                      track.form.version,
                      artist_line(form.artists),
                      form.title,
                      form.label,
                      form.genre,
                      form.release_date,
                      form.upc,
                      track.form.isrc,
                      track.form.iswc,
                      names(track.form.writers, {"composer", "composer_lyricist"}),
                      names(track.form.writers, {"lyricist", "composer_lyricist"}),
                      track.form.language,
                      track.form.explicit_words,
                      track.form.is_cover ? "yes" : "no",
                      track.form.original_title,
                      track.form.original_artist,
                      fmt::format("{} {}", form.year, form.p_owner),
                      fmt::format("{} {}", form.year, form.c_owner),
                      fmt::format("{}:{:02}", int(track.seconds) / 60, int(track.seconds) % 60),
                      track.form.has_converted_voice() ? "partly" : "no",
                      track.form.has_converted_voice() ? "The vocal was sung by a person and given another voice by software" : "",
                      voices[i].title,
                      voices[i].licence,
                      track.file.path,
                      track.file.sha256});
  }
  return text;
}

std::string loudness_csv(const ReleaseMessage& release, const std::vector<Loudness>& measured) {
  std::string text = csv_line({"file", "integrated (LUFS)", "loudness range (LU)", "true peak (dBTP)", "sample peak (dBFS)"});
  for (std::size_t i = 0; i < measured.size(); ++i)
    text += csv_line({release.tracks[i].file.path, number(measured[i].integrated_lufs), number(measured[i].range_lu),
                      number(measured[i].true_peak_dbtp), number(measured[i].sample_peak_dbfs)});
  return text;
}

/// Who allowed the use of the voices, and under which terms.
std::string voices_text(const ReleaseMessage& release, const std::vector<voxconv::VoiceInfo>& voices) {
  std::string text = "The voices of this release\n\n";
  for (std::size_t i = 0; i < voices.size(); ++i) {
    const voxconv::VoiceInfo& voice = voices[i];
    text += fmt::format("{}. {}\n   voice: {} ({}, version {})\n   licence: {}\n   consent: {}\n", i + 1, release.tracks[i].form.title,
                        voice.title, voice.name, voice.version, voice.licence, voice.consent);
    if (!voice.attribution.empty()) text += fmt::format("   to be named: {}\n", voice.attribution);
    text += fmt::format("   weights: sha256 {}\n\n", voice.sha256);
  }
  return text;
}

std::string readme(const ReleaseMessage& release) {
  std::string text = fmt::format(
      "{} - {}\n\n"
      "What is here\n"
      "  resources/      the recordings (FLAC, 44.1 kHz, 24 bits, stereo) and the cover (JPEG, 3000 x 3000)\n"
      "  metadata.csv    what a distributor's form asks for\n"
      "  ern.xml         the same as a DDEX ERN 4.3.2 message\n"
      "  loudness.csv    measured by EBU R128; true peaks are at most -1 dBTP. Nothing was made louder\n"
      "  voices.txt      licence and consent of the voices\n"
      "  checksums.sha256  check them by: sha256sum -c checksums.sha256\n\n"
      "The vocals are AI-converted: a person sang, and software gave the voice another timbre. Say so where a distributor asks\n"
      "(\"contains AI: partly; vocals\"). Distributors differ in what they take; ask before you send.\n",
      artist_line(release.form.artists), release.form.title);
  if (release.form.upc.empty()) text += "No UPC was given: the distributor assigns one.\n";
  for (const ReleaseTrack& track : release.tracks)
    if (track.form.isrc.empty())
      text += fmt::format("No ISRC was given for \"{}\": the distributor or your national agency assigns one.\n", track.form.title);
  for (const ReleaseTrack& track : release.tracks)
    if (track.form.is_cover)
      text += fmt::format("\"{}\" is a cover of \"{}\" by {}: it needs a mechanical licence, which many distributors arrange.\n",
                          track.form.title, track.form.original_title, track.form.original_artist);
  if (release.sender_id.empty())
    text += fmt::format("ern.xml is a test message: {} stands where the DDEX party ids of sender and recipient belong.\n", no_party_id);
  return text;
}

}  // namespace

Loudness AudioRunner::make_master(const JobTask& task, const Song& song, const nlohmann::json& blend, const voxconv::Tags& more_tags,
                                  const std::string& path, double done, double share) {
  double gain_db = 0;
  for (int attempt = 0;; ++attempt) {
    SongMix mix(song, Blend::of(blend), blobs_, 0, -1, task.cancel,
                [&](double read) { task.progress.report(done + share * 0.8 * read, "mastering"); });
    voxconv::WriteOptions format;
    format.rate = master_rate;
    format.channels = 2;
    format.format = "flac";
    format.tags = mix.tags();
    for (const auto& [name, value] : more_tags) format.tags[name] = value;
    mix.write(*voxconv::open_writer(path, format), format.rate, format.channels, linear(gain_db));
    const Loudness loudness = measure_loudness(*voxconv::open_reader(path), task.cancel);
    // The mix keeps its peaks by a meter of its own; shops measure by this one. The gain comes after the mix's limiter, so it lowers them.
    if (!(loudness.true_peak_dbtp > most_true_peak_dbtp)) return loudness;
    if (attempt == 3) throw std::runtime_error(fmt::format("The true peak stays at {:.2f} dBTP.", loudness.true_peak_dbtp));
    gain_db -= loudness.true_peak_dbtp - most_true_peak_dbtp + 0.05;
  }
}

JobOutput AudioRunner::make_package(const JobTask& task) {
  const json parameters = json::parse(task.job.parameters);
  const Id id = parameters.at("release");
  std::optional<Release> release;
  std::optional<Picture> cover;
  std::map<Id, Song> songs;
  std::map<Id, voxconv::VoiceInfo> song_voices;
  const ReleaseForm form = ReleaseForm::of(parameters.at("form"));  // as it was checked; the release's may be another one by now
  const std::vector<voxconv::VoiceInfo> installed = voxconv::VoiceStore().list();
  store_.read([&](Transaction& transaction) {
    release = transaction.releases().find(id);
    if (!release) return;
    cover = transaction.releases().picture_of(id);
    for (const TrackForm& track : form.tracks)
      if (const auto song = transaction.songs().find(track.song)) {
        songs.emplace(track.song, *song);
        if (const auto voice = voice_of_song(transaction, *song, installed)) song_voices.emplace(track.song, *voice);
      }
  });
  if (!release) throw PermanentJobError("The release was removed.");
  if (!cover || blobs_.size(cover->blob) < 0) throw PermanentJobError("The cover was removed; choose one again.");
  if (cover->blob != parameters.at("cover")) throw PermanentJobError("The cover was replaced meanwhile; make the package again.");
  if (const auto problems = problems_of(form); !problems.empty())
    throw PermanentJobError("The form is not complete any more; look at it again.");

  ReleaseMessage message;
  message.id = id;
  message.names_of = host_of(config_.base_url());
  message.sender_id = config_.ddex_party_id;
  message.sender_name = config_.ddex_party_name.empty() ? message.names_of : config_.ddex_party_name;
  message.time = task.job.created;
  message.form = form;
  std::vector<voxconv::VoiceInfo> voices;
  std::vector<Loudness> measured;
  std::vector<ZipEntry> entries;
  const double share = 0.9 / double(form.tracks.size());
  for (std::size_t i = 0; i < form.tracks.size(); ++i) {
    const TrackForm& track = form.tracks[i];
    const auto song = songs.find(track.song);
    if (song == songs.end()) throw PermanentJobError(fmt::format("The song \"{}\" was deleted; take it out of the release.", track.title));
    const auto voice = song_voices.find(track.song);
    if (voice == song_voices.end())
      throw PermanentJobError(
          fmt::format("The voice of \"{}\" is no longer offered here, so nothing shows its consent; leave this song out.", track.title));
    voices.push_back(voice->second);
    const std::string name = fmt::format("resources/{:02}.flac", i + 1), path = fmt::format("{}/{:02}.flac", task.folder, i + 1);
    voxconv::Tags tags{{"title", track.title},
                       {"artist", artist_line(form.artists)},
                       {"album", form.title},
                       {"track", std::to_string(i + 1)},
                       {"date", form.release_date.empty() ? std::to_string(form.year) : form.release_date},
                       {"genre", form.genre}};
    if (!track.isrc.empty()) tags["isrc"] = track.isrc;
    const json blend{{"wet", track.wet}, {"level_db", track.level_db}, {"music_db", track.music_db}};
    measured.push_back(make_master(task, song->second, blend, tags, path, share * double(i), share));
    const auto info = voxconv::open_reader(path)->info();
    message.tracks.push_back({track, described(name, path), double(info.frames) / info.rate});
    entries.push_back({name, path});
  }
  task.progress.report(0.9, "packing");
  const std::string cover_path = blobs_.local_path(cover->blob);
  message.cover = described("resources/cover.jpg", cover_path);
  message.cover_side = cover_side;
  entries.push_back({message.cover.path, cover_path});
  const std::string ern = ern_message(message);
  if (!config_.ddex_schema.empty())
    if (const auto problems = validate_xml(ern, config_.ddex_schema); !problems.empty())
      throw std::runtime_error(fmt::format("The ERN message is not as {} wants it: {}.", config_.ddex_schema, problems.front()));
  for (const auto& [name, text] : {std::pair<const char*, std::string>{"ern.xml", ern},
                                   {"metadata.csv", metadata_csv(message, voices)},
                                   {"loudness.csv", loudness_csv(message, measured)},
                                   {"voices.txt", voices_text(message, voices)},
                                   {"README.txt", readme(message)}})
    entries.push_back({name, "", text});
  std::string checksums;
  for (const ZipEntry& entry : entries)
    checksums += fmt::format("{}  {}\n", entry.path.empty() ? hash_secret(entry.text) : sha256_of_file(entry.path), entry.name);
  entries.push_back({"checksums.sha256", "", checksums});
  const std::string path = task.folder + "/package.zip";
  write_zip(path, entries, task.job.created, [&] { return task.cancel.cancelled(); });

  JobOutput output;
  const std::string folder = "releases/" + id, name = task.job.id + ".zip";
  output.files = {{folder, name, path}};
  json loudness = json::array();
  for (const Loudness& one : measured)
    loudness.push_back({{"integrated_lufs", std::isfinite(one.integrated_lufs) ? json(one.integrated_lufs) : json()},
                        {"range_lu", one.range_lu},
                        {"true_peak_dbtp", std::isfinite(one.true_peak_dbtp) ? json(one.true_peak_dbtp) : json()}});
  output.result = json{{"blob", attempt_key(folder, task.job.attempts, name)},
                       {"file_name", form.title + ".zip"},
                       {"type", "application/zip"},
                       {"loudness", loudness},
                       {"files", output.described(task.job.attempts)}}
                      .dump();
  output.obsolete = std::make_shared<std::vector<std::string>>();
  output.keep = [id, job = task.job.id, obsolete = output.obsolete](Transaction& transaction) {
    auto now = transaction.releases().find(id);
    if (!now) return false;
    if (const auto before = transaction.jobs().find(now->package); before && before->id != job && !made_blob(*before).empty()) {
      obsolete->push_back(made_blob(*before));
      transaction.jobs().forget_result(before->id);
    }
    now->package = job;
    transaction.releases().update(*now);
    return true;
  };
  return output;
}

}  // namespace webwrap
