#include "store/sqlite_connection.h"
#include "store/sqlite_stores.h"

namespace webwrap {

template <>
struct SqliteSchema<OwnVoice> {
  static constexpr const char* table = "own_voices";
  static constexpr std::tuple columns{SqliteColumn{"id", &OwnVoice::id},
                                      SqliteColumn{"account", &OwnVoice::account},
                                      SqliteColumn{"state", &OwnVoice::state},
                                      SqliteColumn{"title", &OwnVoice::title},
                                      SqliteColumn{"description", &OwnVoice::description},
                                      SqliteColumn{"language", &OwnVoice::language},
                                      SqliteColumn{"gender", &OwnVoice::gender},
                                      SqliteColumn{"link", &OwnVoice::link},
                                      SqliteColumn{"hidden", &OwnVoice::hidden},
                                      SqliteColumn{"refusal", &OwnVoice::refusal},
                                      SqliteColumn{"royalty_permille", &OwnVoice::royalty_permille},
                                      SqliteColumn{"bundle", &OwnVoice::bundle},
                                      SqliteColumn{"sample", &OwnVoice::sample},
                                      SqliteColumn{"sha256", &OwnVoice::sha256},
                                      SqliteColumn{"files", &OwnVoice::files},
                                      SqliteColumn{"bytes", &OwnVoice::bytes},
                                      SqliteColumn{"embedding", &OwnVoice::embedding},
                                      SqliteColumn{"usable_s", &OwnVoice::usable_s},
                                      SqliteColumn{"f0_low", &OwnVoice::f0_low},
                                      SqliteColumn{"f0_median", &OwnVoice::f0_median},
                                      SqliteColumn{"f0_high", &OwnVoice::f0_high},
                                      SqliteColumn{"created", &OwnVoice::created},
                                      SqliteColumn{"trained", &OwnVoice::trained},
                                      SqliteColumn{"published", &OwnVoice::published},
                                      SqliteColumn{"withdrawn", &OwnVoice::withdrawn}};
};

template <>
struct SqliteSchema<Consent> {
  static constexpr const char* table = "consents";
  static constexpr std::tuple columns{SqliteColumn{"id", &Consent::id},
                                      SqliteColumn{"voice", &Consent::voice},
                                      SqliteColumn{"account", &Consent::account},
                                      SqliteColumn{"phrase", &Consent::phrase},
                                      SqliteColumn{"language", &Consent::language},
                                      SqliteColumn{"asked", &Consent::asked},
                                      SqliteColumn{"expires", &Consent::expires},
                                      SqliteColumn{"recording", &Consent::recording},
                                      SqliteColumn{"audio_sha256", &Consent::audio_sha256},
                                      SqliteColumn{"transcript", &Consent::transcript},
                                      SqliteColumn{"heard", &Consent::heard},
                                      SqliteColumn{"similarity", &Consent::similarity},
                                      SqliteColumn{"nearest", &Consent::nearest},
                                      SqliteColumn{"nearest_similarity", &Consent::nearest_similarity},
                                      SqliteColumn{"verdict", &Consent::verdict},
                                      SqliteColumn{"reason", &Consent::reason},
                                      SqliteColumn{"decided_by", &Consent::decided_by},
                                      SqliteColumn{"decided", &Consent::decided},
                                      SqliteColumn{"terms", &Consent::terms},
                                      SqliteColumn{"royalty_permille", &Consent::royalty_permille}};
};

void SqliteVoiceStore::add(const OwnVoice& voice) { rows::insert(connection_, voice); }

void SqliteVoiceStore::update(const OwnVoice& voice) { rows::update(connection_, voice); }

std::optional<OwnVoice> SqliteVoiceStore::find(const Id& id) { return rows::find<OwnVoice>(connection_, "id = ?", id); }

std::optional<OwnVoice> SqliteVoiceStore::find_by_link(const Id& link) {
  return rows::find<OwnVoice>(connection_, "link = ? AND link <> ''", link);
}

std::vector<OwnVoice> SqliteVoiceStore::list(const Id& account) {
  return rows::select<OwnVoice>(connection_, "WHERE account = ? ORDER BY seq DESC", account);
}

std::vector<OwnVoice> SqliteVoiceStore::in_state(OwnVoice::State state) {
  return rows::select<OwnVoice>(connection_, "WHERE state = ? ORDER BY seq DESC", state);
}

std::vector<OwnVoice> SqliteVoiceStore::all() { return rows::select<OwnVoice>(connection_, "ORDER BY seq DESC"); }

void SqliteVoiceStore::erase(const Id& id) { rows::run(connection_, "DELETE FROM own_voices WHERE id = ?", id); }

std::int64_t SqliteVoiceStore::bytes_of(const Id& account) {
  return rows::value<std::int64_t>(connection_, "SELECT coalesce(sum(bytes), 0) FROM own_voices WHERE account = ?", account);
}

std::vector<Recording> SqliteVoiceStore::recordings(const Id& voice) {
  return rows::select<Recording>(connection_, "WHERE voice = ? AND voice <> '' ORDER BY seq DESC", voice);
}

std::vector<Job> SqliteVoiceStore::active_jobs(const Id& voice) {
  return rows::select<Job>(connection_, "WHERE voice = ? AND state IN ('queued', 'running') ORDER BY seq DESC", voice);
}

void SqliteVoiceStore::add_consent(const Consent& consent) { rows::insert(connection_, consent); }

void SqliteVoiceStore::update_consent(const Consent& consent) { rows::update(connection_, consent); }

std::optional<Consent> SqliteVoiceStore::find_consent(const Id& id) { return rows::find<Consent>(connection_, "id = ?", id); }

std::vector<Consent> SqliteVoiceStore::consents(const Id& voice) {
  return rows::select<Consent>(connection_, "WHERE voice = ? ORDER BY seq DESC", voice);
}

std::vector<Consent> SqliteVoiceStore::consents_to_review() {
  return rows::select<Consent>(connection_, "WHERE verdict = 'review' ORDER BY seq DESC");
}

bool SqliteVoiceStore::is_used_for_another(const Id& consent, const std::string& audio_sha256) {
  return rows::find<Consent>(connection_, "audio_sha256 = ? AND audio_sha256 <> '' AND id <> ?", audio_sha256, consent).has_value();
}

}  // namespace webwrap
