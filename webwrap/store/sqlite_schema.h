#pragma once
#include <tuple>

#include "store/records.h"

namespace webwrap {

/// How the records of store/records.h lie in the database: what SQL and conversions are made from.

template <class Record, class T>
struct SqliteColumn {
  const char* name;
  T Record::*member;
};
template <class Record, class T>
SqliteColumn(const char*, T Record::*) -> SqliteColumn<Record, T>;  // Clang before 17 derives none for aggregates

/// table, and columns whose first is what a record is found and updated by.
template <class Record>
struct SqliteSchema;

template <>
struct SqliteSchema<Account> {
  static constexpr const char* table = "accounts";
  static constexpr std::tuple columns{SqliteColumn{"id", &Account::id},
                                      SqliteColumn{"kind", &Account::kind},
                                      SqliteColumn{"email", &Account::email},
                                      SqliteColumn{"name", &Account::name},
                                      SqliteColumn{"password_hash", &Account::password_hash},
                                      SqliteColumn{"email_verified", &Account::email_verified},
                                      SqliteColumn{"frozen", &Account::frozen},
                                      SqliteColumn{"created", &Account::created}};
};

template <>
struct SqliteSchema<Session> {
  static constexpr const char* table = "sessions";
  static constexpr std::tuple columns{SqliteColumn{"token_hash", &Session::token_hash}, SqliteColumn{"id", &Session::id},
                                      SqliteColumn{"account", &Session::account},       SqliteColumn{"user_agent", &Session::user_agent},
                                      SqliteColumn{"created", &Session::created},       SqliteColumn{"last_seen", &Session::last_seen}};
};

template <>
struct SqliteSchema<Device> {
  static constexpr const char* table = "devices";
  static constexpr std::tuple columns{SqliteColumn{"token_hash", &Device::token_hash}, SqliteColumn{"account", &Device::account},
                                      SqliteColumn{"created", &Device::created}};
};

template <>
struct SqliteSchema<ApiToken> {
  static constexpr const char* table = "api_tokens";
  static constexpr std::tuple columns{SqliteColumn{"token_hash", &ApiToken::token_hash}, SqliteColumn{"id", &ApiToken::id},
                                      SqliteColumn{"account", &ApiToken::account},       SqliteColumn{"name", &ApiToken::name},
                                      SqliteColumn{"created", &ApiToken::created},       SqliteColumn{"last_used", &ApiToken::last_used}};
};

template <>
struct SqliteSchema<MailToken> {
  static constexpr const char* table = "mail_tokens";
  static constexpr std::tuple columns{SqliteColumn{"token_hash", &MailToken::token_hash}, SqliteColumn{"purpose", &MailToken::purpose},
                                      SqliteColumn{"account", &MailToken::account}, SqliteColumn{"expires", &MailToken::expires}};
};

template <>
struct SqliteSchema<Recording> {
  static constexpr const char* table = "recordings";
  static constexpr std::tuple columns{SqliteColumn{"id", &Recording::id},
                                      SqliteColumn{"account", &Recording::account},
                                      SqliteColumn{"state", &Recording::state},
                                      SqliteColumn{"name", &Recording::name},
                                      SqliteColumn{"size", &Recording::size},
                                      SqliteColumn{"offset", &Recording::offset},
                                      SqliteColumn{"blob", &Recording::blob},
                                      SqliteColumn{"playable", &Recording::playable},
                                      SqliteColumn{"duration_s", &Recording::duration_s},
                                      SqliteColumn{"f0_low", &Recording::f0_low},
                                      SqliteColumn{"f0_median", &Recording::f0_median},
                                      SqliteColumn{"f0_high", &Recording::f0_high},
                                      SqliteColumn{"peaks", &Recording::peaks},
                                      SqliteColumn{"files", &Recording::files},
                                      SqliteColumn{"has_music", &Recording::has_music},
                                      SqliteColumn{"has_vocals", &Recording::has_vocals},
                                      SqliteColumn{"vocals", &Recording::vocals},
                                      SqliteColumn{"music", &Recording::music},
                                      SqliteColumn{"stems_start_s", &Recording::stems_start_s},
                                      SqliteColumn{"stems_end_s", &Recording::stems_end_s},
                                      SqliteColumn{"stems_bytes", &Recording::stems_bytes},
                                      SqliteColumn{"backing", &Recording::backing},
                                      SqliteColumn{"backing_start_s", &Recording::backing_start_s},
                                      SqliteColumn{"backing_whole", &Recording::backing_whole},
                                      SqliteColumn{"voice", &Recording::voice},
                                      SqliteColumn{"consent", &Recording::consent},
                                      SqliteColumn{"usable_s", &Recording::usable_s},
                                      SqliteColumn{"failure", &Recording::failure},
                                      SqliteColumn{"created", &Recording::created},
                                      SqliteColumn{"expires", &Recording::expires}};
};

template <>
struct SqliteSchema<Job> {
  static constexpr const char* table = "jobs";
  static constexpr std::tuple columns{SqliteColumn{"id", &Job::id},
                                      SqliteColumn{"account", &Job::account},
                                      SqliteColumn{"kind", &Job::kind},
                                      SqliteColumn{"state", &Job::state},
                                      SqliteColumn{"recording", &Job::recording},
                                      SqliteColumn{"song", &Job::song},
                                      SqliteColumn{"voice", &Job::voice},
                                      SqliteColumn{"parameters", &Job::parameters},
                                      SqliteColumn{"result", &Job::result},
                                      SqliteColumn{"price", &Job::price},
                                      SqliteColumn{"priority", &Job::priority},
                                      SqliteColumn{"progress", &Job::progress},
                                      SqliteColumn{"stage", &Job::stage},
                                      SqliteColumn{"failure", &Job::failure},
                                      SqliteColumn{"request_key", &Job::request_key},
                                      SqliteColumn{"attempts", &Job::attempts},
                                      SqliteColumn{"worker", &Job::worker},
                                      SqliteColumn{"lease_until", &Job::lease_until},
                                      SqliteColumn{"not_before", &Job::not_before},
                                      SqliteColumn{"cancel_wanted", &Job::cancel_wanted},
                                      SqliteColumn{"created", &Job::created},
                                      SqliteColumn{"started", &Job::started},
                                      SqliteColumn{"finished", &Job::finished}};
};

template <>
struct SqliteSchema<Song> {
  static constexpr const char* table = "songs";
  static constexpr std::tuple columns{SqliteColumn{"id", &Song::id},
                                      SqliteColumn{"account", &Song::account},
                                      SqliteColumn{"recording", &Song::recording},
                                      SqliteColumn{"job", &Song::job},
                                      SqliteColumn{"voice", &Song::voice},
                                      SqliteColumn{"voice_title", &Song::voice_title},
                                      SqliteColumn{"voice_version", &Song::voice_version},
                                      SqliteColumn{"title", &Song::title},
                                      SqliteColumn{"options", &Song::options},
                                      SqliteColumn{"key", &Song::key},
                                      SqliteColumn{"duration_s", &Song::duration_s},
                                      SqliteColumn{"preview", &Song::preview},
                                      SqliteColumn{"converted", &Song::converted},
                                      SqliteColumn{"converted_playable", &Song::converted_playable},
                                      SqliteColumn{"original", &Song::original},
                                      SqliteColumn{"original_playable", &Song::original_playable},
                                      SqliteColumn{"music", &Song::music},
                                      SqliteColumn{"music_playable", &Song::music_playable},
                                      SqliteColumn{"cover_playable", &Song::cover_playable},
                                      SqliteColumn{"gain_db", &Song::gain_db},
                                      SqliteColumn{"peaks", &Song::peaks},
                                      SqliteColumn{"files", &Song::files},
                                      SqliteColumn{"published", &Song::published},
                                      SqliteColumn{"created", &Song::created}};
};

template <>
struct SqliteSchema<Share> {
  static constexpr const char* table = "shares";
  static constexpr std::tuple columns{SqliteColumn{"id", &Share::id},
                                      SqliteColumn{"song", &Share::song},
                                      SqliteColumn{"account", &Share::account},
                                      SqliteColumn{"allow_download", &Share::allow_download},
                                      SqliteColumn{"taken_down", &Share::taken_down},
                                      SqliteColumn{"render", &Share::render},
                                      SqliteColumn{"wet", &Share::wet},
                                      SqliteColumn{"level_db", &Share::level_db},
                                      SqliteColumn{"music_db", &Share::music_db},
                                      SqliteColumn{"visibility", &Share::visibility},
                                      SqliteColumn{"published", &Share::published},
                                      SqliteColumn{"subscribers_only", &Share::subscribers_only},
                                      SqliteColumn{"opens", &Share::opens},
                                      SqliteColumn{"subscriber_download", &Share::subscriber_download},
                                      SqliteColumn{"public_since", &Share::public_since},
                                      SqliteColumn{"created", &Share::created}};
};

template <>
struct SqliteSchema<Report> {
  static constexpr const char* table = "reports";
  static constexpr std::tuple columns{
      SqliteColumn{"id", &Report::id},           SqliteColumn{"share", &Report::share},           SqliteColumn{"song", &Report::song},
      SqliteColumn{"artist", &Report::artist},   SqliteColumn{"reason", &Report::reason},         SqliteColumn{"email", &Report::email},
      SqliteColumn{"state", &Report::state},     SqliteColumn{"decided_by", &Report::decided_by}, SqliteColumn{"note", &Report::note},
      SqliteColumn{"decided", &Report::decided}, SqliteColumn{"created", &Report::created}};
};

template <>
struct SqliteSchema<Artist> {
  static constexpr const char* table = "artists";
  static constexpr std::tuple columns{SqliteColumn{"account", &Artist::account},     SqliteColumn{"handle", &Artist::handle},
                                      SqliteColumn{"name", &Artist::name},           SqliteColumn{"bio", &Artist::bio},
                                      SqliteColumn{"links", &Artist::links},         SqliteColumn{"picture", &Artist::picture},
                                      SqliteColumn{"thumbnail", &Artist::thumbnail}, SqliteColumn{"files", &Artist::files},
                                      SqliteColumn{"hidden", &Artist::hidden},       SqliteColumn{"created", &Artist::created}};
};

template <>
struct SqliteSchema<Follow> {
  static constexpr const char* table = "follows";
  static constexpr std::tuple columns{SqliteColumn{"id", &Follow::id},           SqliteColumn{"artist", &Follow::artist},
                                      SqliteColumn{"email", &Follow::email},     SqliteColumn{"token_hash", &Follow::token_hash},
                                      SqliteColumn{"expires", &Follow::expires}, SqliteColumn{"created", &Follow::created}};
};

template <>
struct SqliteSchema<Mailing> {
  static constexpr const char* table = "mailings";
  static constexpr std::tuple columns{SqliteColumn{"id", &Mailing::id},       SqliteColumn{"artist", &Mailing::artist},
                                      SqliteColumn{"songs", &Mailing::songs}, SqliteColumn{"after", &Mailing::after},
                                      SqliteColumn{"done", &Mailing::done},   SqliteColumn{"created", &Mailing::created}};
};

template <>
struct SqliteSchema<PlayStart> {
  static constexpr const char* table = "play_starts";
  static constexpr std::tuple columns{SqliteColumn{"token_hash", &PlayStart::token_hash}, SqliteColumn{"song", &PlayStart::song},
                                      SqliteColumn{"listener", &PlayStart::listener}, SqliteColumn{"started", &PlayStart::started}};
};

template <>
struct SqliteSchema<Order> {
  static constexpr const char* table = "orders";
  static constexpr std::tuple columns{SqliteColumn{"id", &Order::id},
                                      SqliteColumn{"account", &Order::account},
                                      SqliteColumn{"pack", &Order::pack},
                                      SqliteColumn{"credits", &Order::credits},
                                      SqliteColumn{"amount", &Order::amount},
                                      SqliteColumn{"charged", &Order::charged},
                                      SqliteColumn{"currency", &Order::currency},
                                      SqliteColumn{"state", &Order::state},
                                      SqliteColumn{"idempotency_key", &Order::idempotency_key},
                                      SqliteColumn{"session", &Order::session},
                                      SqliteColumn{"payment_intent", &Order::payment_intent},
                                      SqliteColumn{"checkout_url", &Order::checkout_url},
                                      SqliteColumn{"refunded_amount", &Order::refunded_amount},
                                      SqliteColumn{"disputes", &Order::disputes},
                                      SqliteColumn{"created", &Order::created}};
};

template <>
struct SqliteSchema<Picture> {
  static constexpr const char* table = "pictures";
  static constexpr std::tuple columns{SqliteColumn{"owner", &Picture::owner}, SqliteColumn{"account", &Picture::account},
                                      SqliteColumn{"blob", &Picture::blob},   SqliteColumn{"small", &Picture::small},
                                      SqliteColumn{"width", &Picture::width}, SqliteColumn{"height", &Picture::height},
                                      SqliteColumn{"files", &Picture::files}, SqliteColumn{"created", &Picture::created}};
};

template <>
struct SqliteSchema<Release> {
  static constexpr const char* table = "releases";
  static constexpr std::tuple columns{SqliteColumn{"id", &Release::id},           SqliteColumn{"account", &Release::account},
                                      SqliteColumn{"form", &Release::form},       SqliteColumn{"package", &Release::package},
                                      SqliteColumn{"pending", &Release::pending}, SqliteColumn{"created", &Release::created},
                                      SqliteColumn{"changed", &Release::changed}};
};

template <>
struct SqliteSchema<Connection> {
  static constexpr const char* table = "connections";
  static constexpr std::tuple columns{SqliteColumn{"id", &Connection::id},
                                      SqliteColumn{"account", &Connection::account},
                                      SqliteColumn{"platform", &Connection::platform},
                                      SqliteColumn{"name", &Connection::name},
                                      SqliteColumn{"tokens", &Connection::tokens},
                                      SqliteColumn{"broken", &Connection::broken},
                                      SqliteColumn{"created", &Connection::created}};
};

template <>
struct SqliteSchema<Authorization> {
  static constexpr const char* table = "authorizations";
  static constexpr std::tuple columns{
      SqliteColumn{"state_hash", &Authorization::state_hash}, SqliteColumn{"account", &Authorization::account},
      SqliteColumn{"session", &Authorization::session},       SqliteColumn{"platform", &Authorization::platform},
      SqliteColumn{"verifier", &Authorization::verifier},     SqliteColumn{"expires", &Authorization::expires}};
};

template <>
struct SqliteSchema<Publication> {
  static constexpr const char* table = "publications";
  static constexpr std::tuple columns{SqliteColumn{"id", &Publication::id},
                                      SqliteColumn{"account", &Publication::account},
                                      SqliteColumn{"song", &Publication::song},
                                      SqliteColumn{"platform", &Publication::platform},
                                      SqliteColumn{"state", &Publication::state},
                                      SqliteColumn{"form", &Publication::form},
                                      SqliteColumn{"upload", &Publication::upload},
                                      SqliteColumn{"remote_user", &Publication::remote_user},
                                      SqliteColumn{"remote_name", &Publication::remote_name},
                                      SqliteColumn{"remote_id", &Publication::remote_id},
                                      SqliteColumn{"url", &Publication::url},
                                      SqliteColumn{"note", &Publication::note},
                                      SqliteColumn{"failure", &Publication::failure},
                                      SqliteColumn{"created", &Publication::created},
                                      SqliteColumn{"changed", &Publication::changed}};
};

}  // namespace webwrap
