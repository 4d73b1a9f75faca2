#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "domain/ledger.h"

namespace webwrap {

/// Ids are random: 26 lower-case base32 characters (128 bits), made by new_id() (domain/id.h).
using Id = std::string;

enum class AccountKind { guest, member };

struct Account {
  Id id;
  AccountKind kind = AccountKind::guest;
  std::string email;  ///< lower-case; empty for a guest
  std::string name;
  std::string password_hash;  ///< libsodium's string; empty for a guest
  bool email_verified = false;
  bool frozen = false;  ///< by a payment dispute: may not spend
  Seconds created = 0;
};

struct Session {
  std::string token_hash;  ///< sha256 of the cookie's value, hex
  Id id;                   ///< shown to the user
  Id account;
  std::string user_agent;
  Seconds created = 0, last_seen = 0;
};

/// A browser in which the account's owner logged in before.
struct Device {
  std::string token_hash;  ///< sha256 of the cookie's value, hex
  Id account;
  Seconds created = 0;
};

struct ApiToken {
  std::string token_hash;
  Id id;
  Id account;
  std::string name;
  Seconds created = 0, last_used = 0;
};

/// A single-use secret sent by mail.
struct MailToken {
  std::string token_hash;
  std::string purpose;  ///< "verify" or "reset"
  Id account;
  Seconds expires = 0;
};

/// An uploaded source: first a tus upload, then, once a worker has analysed it, input of conversions.
struct Recording {
  static constexpr double shortest_s = 0.5;  ///< that is converted, of the whole as of a part
  enum class State { uploading, analysing, ready, failed };
  Id id;
  Id account;
  State state = State::uploading;
  std::string name;                   ///< the file's name as the user gave it
  std::int64_t size = 0, offset = 0;  ///< bytes: declared, received
  std::string blob;                   ///< key of the uploaded file
  std::string playable;               ///< key of an mp3 of it for the player; empty until ready
  double duration_s = 0;
  double f0_low = 0, f0_median = 0, f0_high = 0;  ///< Hz, of the singing; 0: nothing sung
  std::string peaks;                              ///< key of the waveform's peaks (JSON)
  std::string files;                              ///< JSON {"<blob key>": {"size", "sha256"}} of all blobs here; empty: not noted
  bool has_music = false, has_vocals = true;      ///< what was heard in it
  std::string vocals, music;  ///< keys of what a part of it was taken apart into: its vocals (flac), the rest (mp3); empty: not yet
  double stems_start_s = 0, stems_end_s = 0;  ///< that part
  std::int64_t stems_bytes = 0;               ///< of the two; counts in the quota
  Id backing;                                 ///< the recording that this was sung to; empty: to none
  double backing_start_s = 0;                 ///< where this begins in it
  bool backing_whole = false;                 ///< the singer heard all of it, else its music
  Id voice;                                   ///< the own voice that this is a recording of; empty: of none
  Id consent;                                 ///< the try to consent that this is the phrase of; empty: of none
  double usable_s = 0;                        ///< of a voice's recording: what training can use of it
  std::string failure;                        ///< one sentence; state failed
  Seconds created = 0, expires = 0;           ///< expires: of an unfinished upload

  /// Whether the vocals of this part are there.
  bool has_stems(double start_s, double end_s) const {
    constexpr double tolerance_s = 1e-4;
    return !vocals.empty() && start_s >= stems_start_s - tolerance_s && end_s <= stems_end_s + tolerance_s;
  }
};

/// Work for the workers.
struct Job {
  enum class Kind { analyse, convert, render, separate, train, picture, video, package, publish };
  enum class State { queued, running, done, failed, cancelled };
  Id id;
  Id account;
  Kind kind = Kind::convert;
  State state = State::queued;
  Id recording;             ///< all but render and train
  Id song;                  ///< render: of it; convert: the song it made
  std::string voice;        ///< convert: with it; train: the own voice that it makes
  std::string parameters;   ///< JSON; convert: {"options": {...ConvertOptions}, "start_s", "end_s", "title", "preview", "keep_music"};
                            ///< separate: {"start_s", "end_s", "title"}; render: {"format", "parts", "wet", "level_db", "music_db"};
                            ///< train: {"title"}
                            ///< picture: {"of": "song", "release" or "artist", "owner", "folder", "upload"}
  std::string result;       ///< JSON, by kind; render: {"blob", "file_name", "type", "peaks", "files"}
  Credits price = 0;        ///< reserved when it was accepted
  int priority = 1;         ///< smaller first: 0 analysis, rendering, pictures, 1 paid, 2 free, 3 training
  double progress = 0;      ///< 0..1
  std::string stage;        ///< for people: "reading", "converting", "writing"
  std::string failure;      ///< one sentence; state failed
  std::string request_key;  ///< the client's Idempotency-Key, unique within the account; empty: none
  int attempts = 0;         ///< claims so far
  std::string worker;       ///< who holds the lease
  Seconds lease_until = 0, not_before = 0;  ///< since the machine's start
  bool cancel_wanted = false;
  Seconds created = 0, started = 0, finished = 0;
};

struct Song {
  Id id;
  Id account;
  Id recording, job;
  std::string voice;  ///< voice name
  std::string voice_title, voice_version;
  std::string title;
  std::string options;  ///< JSON of ConvertOptions used
  double key = 0;       ///< semitones applied
  double duration_s = 0;
  bool preview = false;
  std::string converted;  ///< blob keys: flac; and the same as mp3 for the player
  std::string converted_playable;
  std::string original;  ///< the trimmed source, flac, and mp3; of a cover its vocals
  std::string original_playable;
  std::string music, music_playable;  ///< of a cover: the music, flac and mp3; empty: it is none
  std::string cover_playable;         ///< of a cover: converted voice and music, mp3
  double gain_db = 0;                 ///< of a cover: of all its parts in the mix
  std::string peaks;                  ///< JSON {"original": [...], "converted": [...]}; of a cover also "music" and "cover"
  std::string files;                  ///< JSON {"<blob key>": {"size", "sha256"}}; empty: not noted
  Seconds published = 0;              ///< when everyone saw it first, by whatever share; 0: never
  Seconds created = 0;
};

/// A member's public page, /a/<handle>. Handle and name: domain/artist_name.h.
struct Artist {
  Id account;
  std::string handle, name;
  std::string bio;                 ///< plain text, perhaps several lines
  std::string links;               ///< JSON [{"title", "url"}]; the addresses are never asked for anything
  std::string picture, thumbnail;  ///< blob keys of a square jpeg and a small one, both encoded here; empty: none
  std::string files;               ///< JSON {"<blob key>": {"size", "sha256"}} of the two; empty: none
  bool hidden = false;             ///< by the operator: the page, and all that is shared, are as if they were not there
  Seconds created = 0;
};

/// For how long a handle or name that an artist gives up stays reserved, and the handle leads to the new page.
inline constexpr Seconds artist_name_kept = 90 * day;

/// Somebody who hears by mail of an artist's new songs.
struct Follow {
  Id id;  ///< in the mails' links that end it: who knows it may do so, and nothing else
  Id artist;
  std::string email;
  std::string token_hash;  ///< of the link that confirms it; empty: confirmed
  Seconds expires = 0;     ///< of that link, and of this; 0: confirmed
  Seconds created = 0;
};

/// A mail to all followers of an artist, on its way.
struct Mailing {
  Id id;
  Id artist;
  std::string songs;       ///< JSON list of the new songs' ids
  std::int64_t after = 0;  ///< Follower::place of the last who was sent it
  bool done = false;
  Seconds created = 0;
};

/// Who listens, as far as counting goes: hashes that mean nothing on another day.
struct Listener {
  std::string network;  ///< http::network_of
  std::string site;     ///< http::site_of: one household or company may have many networks
};

/// A listener who began to play a song.
struct PlayStart {
  std::string token_hash;
  Id song;
  std::string listener;  ///< Listener::network
  Seconds started = 0;
};

/// Who finds a share: who has its link, or everyone, on its artist's page, in feeds and lists.
enum class Visibility { unlisted, everyone };

struct Share {
  Id id;  ///< in the public address
  Id song;
  Id account;
  bool allow_download = false;
  bool taken_down = false;
  Id render;  ///< a finished mp3 of the song, which listeners hear; empty: the cover, or the converted voice, as it is
  double wet = 1, level_db = 0, music_db = 0;  ///< of the render
  Visibility visibility = Visibility::unlisted;
  Seconds published = 0;             ///< of the song, once everyone sees this
  Seconds public_since = 0;          ///< since when everyone sees it this time
  bool subscribers_only = false;     ///< for those who subscribe to the account (store/earnings.h)
  Seconds opens = 0;                 ///< for all from then on; 0: never
  bool subscriber_download = false;  ///< they may download it, whatever others may
  Seconds created = 0;
};

/// A complaint about a shared song or an artist, and what an operator decided about it.
struct Report {
  enum class State { open, kept, taken_down, hidden };
  Id id;
  Id share;            ///< empty: it is about the artist
  Id song;             ///< of the share, which may go and come back as another
  std::string artist;  ///< account: whose page or song it is
  std::string reason, email;
  State state = State::open;
  std::string decided_by, note;  ///< of the decision: who, and why
  Seconds decided = 0;
  Seconds created = 0;
};

/// A purchase of a credit pack. States paid, refunded (wholly) and disputed (open or lost) all mean that the money came and the credits
/// were booked; the others that they were not.
struct Order {
  enum class State { created, pending, paid, failed, expired, refunded, disputed };
  Id id;
  Id account;
  std::string pack;  ///< id of the pack
  Credits credits = 0;
  std::int64_t amount = 0;   ///< the price, in the currency's smallest unit
  std::int64_t charged = 0;  ///< what was paid in the end, with taxes; refunds and disputes are parts of it; 0: not told, the price
  std::string currency;
  State state = State::created;
  std::string idempotency_key;  ///< stored before Stripe is called
  std::string session;          ///< Stripe's ids; empty until known
  std::string payment_intent;
  std::string checkout_url;
  std::int64_t refunded_amount = 0;
  std::string disputes;  ///< JSON {"<dispute's id>": {"state": "open"|"lost"|"won", "amount"}}; empty: none
  Seconds created = 0;
};

/// A line of a user's credit history.
struct HistoryLine {
  std::string kind, note;
  Credits amount = 0;   ///< change of what the user has (spendable and reserved together)
  Credits balance = 0;  ///< spendable after it
  Seconds time = 0;
};

/// The side in pixels of a cover in a release package.
inline constexpr int cover_side = 3000;

/// A picture of a song or a release, as a worker has taken it in: the middle square, without metadata.
struct Picture {
  Id owner;  ///< the song's or release's id
  Id account;
  std::string blob;           ///< key of a JPEG, cover_side wide at most
  std::string small;          ///< and of one that is 1000 pixels wide at most
  int width = 0, height = 0;  ///< of what was uploaded
  std::string files;          ///< JSON {"<blob key>": {"size", "sha256"}}
  Seconds created = 0;
};

/// Songs that are to be released together, and what is said of them.
struct Release {
  Id id;
  Id account;
  std::string form;     ///< JSON of ReleaseForm (domain/release.h)
  std::string package;  ///< the job that made its package; empty: none yet
  std::string pending;  ///< the job that was wished last; empty: none
  Seconds created = 0, changed = 0;
};

/// A member's account at another platform.
struct Connection {
  Id id;
  Id account;
  std::string platform;
  std::string name;     ///< of the account there
  std::string tokens;   ///< sealed (PlatformTokens in connect/connector.h)
  bool broken = false;  ///< the platform does not take the tokens any more
  Seconds created = 0;
};

/// A member's way to a platform and back, to allow a connection.
struct Authorization {
  std::string state_hash;  ///< sha256 of OAuth's state, hex
  Id account;
  Id session;  ///< that began it, and alone may end it
  std::string platform;
  std::string verifier;  ///< PKCE's, sealed
  Seconds expires = 0;
};

/// A song on another platform.
struct Publication {
  enum class State { queued, uploading, published, failed, removing, removed, linked };
  Id id;
  Id account;
  Id song;
  std::string platform;
  State state = State::queued;
  std::string form;                      ///< JSON of what was asked for
  std::string upload;                    ///< sealed JSON of what an upload needs to go on; empty: none was begun
  std::string remote_user, remote_name;  ///< id and name of the account there that it is at, or may be, whoever is connected now; or empty
  std::string remote_id;                 ///< of itself there; empty: not yet
  std::string url, note;
  std::string failure;  ///< one sentence
  Seconds created = 0, changed = 0;
};

/// Enumerators by the names that the database and the API use, in their order.
constexpr auto names_of(AccountKind) { return std::array{"guest", "member"}; }
constexpr auto names_of(Recording::State) { return std::array{"uploading", "analysing", "ready", "failed"}; }
constexpr auto names_of(Job::Kind) {
  return std::array{"analyse", "convert", "render", "separate", "train", "picture", "video", "package", "publish"};
}
constexpr auto names_of(Job::State) { return std::array{"queued", "running", "done", "failed", "cancelled"}; }
constexpr auto names_of(Visibility) { return std::array{"unlisted", "public"}; }
constexpr auto names_of(Report::State) { return std::array{"open", "kept", "taken_down", "hidden"}; }
constexpr auto names_of(Order::State) { return std::array{"created", "pending", "paid", "failed", "expired", "refunded", "disputed"}; }

constexpr auto names_of(Publication::State) {
  return std::array{"queued", "uploading", "published", "failed", "removing", "removed", "linked"};
}

template <class Enum>
std::string name_of(Enum value) {
  return names_of(value)[static_cast<std::size_t>(value)];
}

}  // namespace webwrap
