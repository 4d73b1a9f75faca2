#pragma once
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "store/earnings.h"
#include "store/records.h"
#include "store/voice_records.h"

namespace webwrap {

/// All below: `find` gives nothing where there is nothing; lists are newest first; `update` of what is not there does nothing; what they
/// change is durable once the transaction that gave them ends without an exception.

class AccountStore {
 public:
  virtual ~AccountStore() = default;
  virtual void add(const Account&) = 0;  ///< throws ServiceError(409, "email_taken")
  virtual void update(const Account&) = 0;
  virtual std::optional<Account> find(const Id&) = 0;
  virtual std::optional<Account> find_by_email(const std::string& email) = 0;
  /// Removes the account and all that belongs to it but the ledger and the orders, which keep its id. Jobs that still hold credits give
  /// them back first. Blobs are the caller's.
  virtual void erase(const Id&, Seconds now) = 0;

  virtual void add_session(const Session&) = 0;
  virtual std::optional<Session> find_session(const std::string& token_hash) = 0;
  virtual void touch_session(const std::string& token_hash, Seconds now) = 0;
  virtual std::vector<Session> sessions(const Id& account) = 0;
  virtual void erase_session(const Id& session) = 0;
  virtual void erase_sessions(const Id& account) = 0;
  virtual void erase_stale_sessions(Seconds seen_before) = 0;
  /// Guests made before `made_before` who have no session any more: their data is unreachable. At most `limit`.
  virtual std::vector<Account> orphaned_guests(Seconds made_before, int limit) = 0;

  virtual void add_device(const Device&) = 0;                 ///< a known one stays as it is; only the newest 20 of an account are kept
  virtual bool is_device(const std::string& token_hash) = 0;  ///< of any account
  virtual bool has_device(const std::string& token_hash, const Id& account) = 0;
  virtual std::vector<Device> devices(const Id& account) = 0;
  virtual void erase_devices(const Id& account) = 0;

  virtual void add_token(const ApiToken&) = 0;
  virtual std::optional<ApiToken> find_token(const std::string& token_hash) = 0;
  virtual void touch_token(const std::string& token_hash, Seconds now) = 0;
  virtual std::vector<ApiToken> tokens(const Id& account) = 0;
  virtual bool erase_token(const Id& account, const Id& token) = 0;

  virtual void add_mail_token(const MailToken&) = 0;
  virtual std::optional<MailToken> consume_mail_token(const std::string& token_hash, const std::string& purpose, Seconds now) = 0;
  virtual void erase_mail_tokens(const Id& account, const std::string& purpose) = 0;

  /// Counts an event (log-in, sign-up, preview ...) of `who` and says whether it is still within `limit` per `window` seconds.
  virtual bool within_limit(const std::string& what, const std::string& who, int limit, Seconds window, Seconds now) = 0;
  virtual void forget_limit(const std::string& what, const std::string& who) = 0;  ///< the events counted so far
};

class LedgerStore {
 public:
  virtual ~LedgerStore() = default;
  /// Writes an entry; false: one with this key is there already, and nothing changed. Throws std::logic_error for an entry that does not
  /// balance.
  virtual bool post(const LedgerEntry&) = 0;
  virtual Credits balance(const std::string& account) = 0;  ///< the sum of its postings
  virtual std::vector<HistoryLine> history(const Id& user, int limit) = 0;
  /// Everything that is wrong with the books, one sentence each: entries that do not sum to 0, jobs whose reserve, capture and release do
  /// not fit their state, negative reserves, orders whose credits were not booked. Empty: sound.
  virtual std::vector<std::string> audit() = 0;
};

class RecordingStore {
 public:
  virtual ~RecordingStore() = default;
  virtual void add(const Recording&) = 0;
  virtual void update(const Recording&) = 0;
  virtual std::optional<Recording> find(const Id&) = 0;
  virtual std::vector<Recording> list(const Id& account, int limit) = 0;
  virtual std::vector<Recording> all() = 0;
  virtual void erase(const Id&) = 0;
  virtual std::int64_t bytes_of(const Id& account) = 0;  ///< declared sizes of all it holds, and their stems: for the quota
  virtual std::vector<Recording> expired(Seconds now) = 0;
};

class JobStore {
 public:
  virtual ~JobStore() = default;
  virtual void add(const Job&) = 0;
  virtual std::optional<Job> find(const Id&) = 0;
  virtual std::optional<Job> find_by_request(const Id& account, const std::string& request_key) = 0;
  virtual std::vector<Job> list(const Id& account, int limit) = 0;
  virtual std::vector<Job> renders(const Id& song, Job::Kind kind, int limit) = 0;  ///< renders or videos that are done
  virtual void forget_request(const Id& job) = 0;                                   ///< its request key may be used for another job
  /// The same, and what it made is to be removed: nothing leads to it any more but blobs_to_remove().
  virtual void forget_result(const Id& job) = 0;
  virtual std::vector<std::string> blobs_to_remove(int limit) = 0;
  virtual void forget_blob(const std::string& removed) = 0;
  virtual int active_count(const Id& account) = 0;  ///< queued and running conversions and separations
  virtual int quick_count(const Id& account) = 0;   ///< queued and running jobs of the other kinds but training
  /// How many queued jobs come before this one by priority and age; 0 unless it is queued.
  virtual int position(const Job&) = 0;
  virtual int queued_count() = 0;
  virtual int running_count() = 0;
  /// Whether a job of a smaller priority could be claimed now. `up`: as below.
  virtual bool is_anyone_waiting(int priority, Seconds up) = 0;

  // Below, `up` and `not_before` are seconds since the machine's start (Clock::up).

  /// Takes the next job for `worker` and leases it: those whose lease ran out as well as queued ones; by priority, then the account with
  /// the fewest running jobs, then the account whose last job was taken the longest ago, then age; never one that was claimed
  /// `max_attempts` times or is to be cancelled. `now`: for Job::started. Nothing: no job now.
  virtual std::optional<Job> claim(const std::string& worker, Seconds up, Seconds lease, int max_attempts, Seconds now) = 0;
  /// Jobs without a live lease that claim() does not hand out: their attempts are used up, or they were to be cancelled when their worker
  /// died. The caller ends each in the same transaction by finish(job.id, job.attempts, job.worker, cancelled if job.cancel_wanted else
  /// failed, ...) and releases its credits.
  virtual std::vector<Job> abandoned(Seconds up, int max_attempts) = 0;
  /// Extends the lease and reports progress; false: the job is no longer this worker's (or is to be cancelled: see the job), stop.
  virtual bool heartbeat(const Id& job, int attempt, const std::string& worker, double progress, const std::string& stage, Seconds up,
                         Seconds lease) = 0;
  /// Ends the job as `state` if it still is this worker's; false: it is not, and nothing may be kept of the work.
  virtual bool finish(const Id& job, int attempt, const std::string& worker, Job::State state, const std::string& result,
                      const std::string& failure, Seconds now) = 0;
  /// Gives the job back to be tried again from `not_before` on.
  virtual bool retry(const Id& job, int attempt, const std::string& worker, Seconds not_before) = 0;
  /// Undoes the claim, for a worker that is told to stop or cannot work now: the job waits again until `not_before`, and the attempt does
  /// not count.
  virtual bool unclaim(const Id& job, int attempt, const std::string& worker, Seconds not_before) = 0;
  /// A queued job becomes cancelled (true); a running one is asked to stop (false).
  virtual bool cancel(const Id& job, Seconds now) = 0;
  /// All jobs of an account become another one's, also while a worker holds them. Request keys, which each account has for itself, go.
  virtual void reassign(const Id& from, const Id& to) = 0;
};

class SongStore {
 public:
  virtual ~SongStore() = default;
  virtual void add(const Song&) = 0;
  virtual void update(const Song&) = 0;
  virtual std::optional<Song> find(const Id&) = 0;
  virtual std::vector<Song> list(const Id& account, int limit) = 0;
  virtual std::vector<Song> all() = 0;
  virtual void erase(const Id&) = 0;

  virtual void add_share(const Share&) = 0;
  virtual void update_share(const Share&) = 0;
  virtual std::optional<Share> find_share(const Id&) = 0;
  virtual std::optional<Share> share_of(const Id& song) = 0;
  virtual void erase_share(const Id&) = 0;
  virtual void add_report(const Report&) = 0;
  virtual std::vector<Report> reports(int limit) = 0;
  virtual std::vector<Report> open_reports(int limit) = 0;  ///< the oldest first
  virtual std::optional<Report> find_report(const Id&) = 0;
  virtual void update_report(const Report&) = 0;
};

class ArtistStore {
 public:
  virtual ~ArtistStore() = default;
  /// Throws ServiceError(409, "handle_taken" | "name_taken") where another artist has, or had until lately, a handle or name that looks the
  /// same (look_alike_key).
  virtual void add(const Artist&, Seconds now) = 0;
  /// The same. A handle or name that is given up stays the account's for artist_name_kept; the handle leads to the page.
  virtual void update(const Artist&, Seconds now) = 0;
  virtual std::optional<Artist> find(const Id& account) = 0;
  virtual std::optional<Artist> find_by_handle(const std::string& handle) = 0;
  virtual std::optional<Artist> find_by_old_handle(const std::string& handle, Seconds now) = 0;  ///< of the artist who had it
  virtual std::vector<Artist> all() = 0;
  /// Removes the page; songs that everyone saw are seen by who has their link. Blobs are the caller's.
  virtual void erase(const Id& account, Seconds now) = 0;

  /// What everyone may see: public, not taken down, by an artist who is not hidden. Published last first.
  virtual std::vector<Share> public_shares(const Id& account, int limit, int offset = 0) = 0;
  virtual std::vector<Share> newest_shares(int limit) = 0;
  virtual std::vector<Share> most_played_shares(std::int64_t since_day, int limit) = 0;  ///< the most plays since that day first
  virtual std::vector<Share> followed_shares(const std::string& email, int limit) = 0;   ///< of the artists whom this address follows
  virtual std::vector<Artist> most_followed(int limit) = 0;                              ///< who have songs that everyone may see
};

/// A confirmed follow, for who sends mail to all of an artist's.
struct Follower {
  std::int64_t place = 0;  ///< grows with each new one
  Id id;
  std::string email;
};

class FollowStore {
 public:
  virtual ~FollowStore() = default;
  /// In the place of one that was not confirmed yet. False: this address follows the artist already, and nothing changed.
  virtual bool add(const Follow&) = 0;
  virtual std::optional<Follow> find(const Id&) = 0;
  virtual std::optional<Follow> find(const Id& artist, const std::string& email) = 0;
  virtual std::optional<Follow> find_by_token(const std::string& token_hash, Seconds now) = 0;  ///< to be confirmed
  virtual void confirm(const Id&) = 0;
  virtual void erase(const Id&) = 0;
  virtual void erase_all_of(const std::string& email) = 0;
  virtual int erase_expired(Seconds now) = 0;                                 ///< those that were never confirmed; how many
  virtual std::vector<Follow> list(const std::string& email, int limit) = 0;  ///< confirmed
  virtual std::int64_t count(const Id& artist) = 0;                           ///< confirmed

  /// Artists with songs that everyone sees since `public_since` or up to 30 days earlier and that nobody was told of, but not those who
  /// sent a mailing after `mailed`.
  virtual std::vector<Id> artists_with_news(Seconds public_since, Seconds mailed) = 0;
  virtual std::vector<Share> news_of(const Id& artist, Seconds public_since) = 0;  ///< the oldest first
  virtual void note_announced(const Id& song) = 0;
  virtual void add_mailing(const Mailing&) = 0;
  virtual void update_mailing(const Mailing&) = 0;
  virtual std::vector<Mailing> open_mailings(int limit) = 0;  ///< not done; the oldest first
  virtual std::vector<Follower> followers_after(const Id& artist, std::int64_t place, int limit) = 0;
};

/// How often songs were heard. Days count from 1970-01-01 UTC.
class PlayStore {
 public:
  virtual ~PlayStore() = default;
  /// The day's salt, `fresh` where there is none yet.
  virtual std::string salt_of(std::int64_t day, const std::string& fresh) = 0;
  virtual void start(const PlayStart&) = 0;
  /// Takes a start away that came after `started_after`; older ones go, too.
  virtual std::optional<PlayStart> take(const std::string& token_hash, Seconds started_after) = 0;
  /// Counts the song once a day for a network, and at most so many songs a day for one, and so many networks of a site for a song; whether
  /// it counted.
  virtual bool count(const Id& song, const Listener&, std::int64_t day, int songs_a_day, int networks_of_a_site) = 0;
  /// What was known of listeners before `day`, with the salts; and starts that came until `started`.
  virtual void forget(std::int64_t day, Seconds started) = 0;
  virtual std::int64_t of_song(const Id& song, std::int64_t since_day = 0) = 0;
  virtual std::int64_t of_account(const Id&) = 0;                                                      ///< of all its songs
  virtual std::int64_t of_public_songs(const Id& account) = 0;                                         ///< of those that everyone sees now
  virtual std::map<std::int64_t, std::int64_t> by_day(const Id& account, std::int64_t since_day) = 0;  ///< days without any are left out
};

class OrderStore {
 public:
  virtual ~OrderStore() = default;
  virtual void add(const Order&) = 0;
  virtual void update(const Order&) = 0;
  virtual std::optional<Order> find(const Id&) = 0;
  virtual std::optional<Order> find_by_session(const std::string& session) = 0;
  virtual std::optional<Order> find_by_payment_intent(const std::string& payment_intent) = 0;
  virtual std::vector<Order> list(const Id& account, int limit) = 0;
  /// Stripe's event ids: true the first time an id is seen.
  virtual bool note_event(const std::string& event_id, const std::string& type, Seconds now) = 0;
};

/// Members' own voices and their consents.
class VoiceStore {
 public:
  virtual ~VoiceStore() = default;
  virtual void add(const OwnVoice&) = 0;
  virtual void update(const OwnVoice&) = 0;
  virtual std::optional<OwnVoice> find(const Id&) = 0;
  virtual std::optional<OwnVoice> find_by_link(const Id& link) = 0;
  virtual std::vector<OwnVoice> list(const Id& account) = 0;
  virtual std::vector<OwnVoice> in_state(OwnVoice::State) = 0;
  virtual std::vector<OwnVoice> all() = 0;
  virtual void erase(const Id&) = 0;
  virtual std::int64_t bytes_of(const Id& account) = 0;  ///< of bundles and samples: for the quota

  virtual std::vector<Recording> recordings(const Id& voice) = 0;  ///< phrases of consents, too
  virtual std::vector<Job> active_jobs(const Id& voice) = 0;       ///< queued and running: its training, and conversions with it

  virtual void add_consent(const Consent&) = 0;
  virtual void update_consent(const Consent&) = 0;
  virtual std::optional<Consent> find_consent(const Id&) = 0;
  virtual std::vector<Consent> consents(const Id& voice) = 0;
  virtual std::vector<Consent> consents_to_review() = 0;
  /// Whether another try has the same file: a phrase that is spoken is recorded anew each time.
  virtual bool is_used_for_another(const Id& consent, const std::string& audio_sha256) = 0;
};

class ReleaseStore {
 public:
  virtual ~ReleaseStore() = default;
  virtual void set_picture(const Picture&) = 0;  ///< in the place of its owner's earlier one
  virtual std::optional<Picture> picture_of(const Id& owner) = 0;
  virtual void erase_picture(const Id& owner) = 0;
  virtual std::vector<Picture> pictures() = 0;  ///< all

  virtual void add(const Release&) = 0;
  virtual void update(const Release&) = 0;
  virtual std::optional<Release> find(const Id&) = 0;
  virtual std::vector<Release> list(const Id& account, int limit) = 0;
  virtual std::vector<Release> all() = 0;
  virtual void erase(const Id&) = 0;

  virtual void set_connection(const Connection&) = 0;  ///< in the place of the account's earlier one to this platform
  virtual void update_connection(const Connection&) = 0;
  virtual std::optional<Connection> connection_to(const Id& account, const std::string& platform) = 0;
  virtual std::vector<Connection> connections(const Id& account) = 0;
  virtual void erase_connection(const Id&) = 0;

  virtual void add_authorization(const Authorization&, Seconds now) = 0;  ///< and forgets those that ran out
  virtual std::optional<Authorization> consume_authorization(const std::string& state_hash, Seconds now) = 0;

  /// Throws ServiceError(409, "published") where the song is on the platform, in any state but removed.
  virtual void add_publication(const Publication&) = 0;
  virtual void update_publication(const Publication&) = 0;
  virtual std::optional<Publication> find_publication(const Id&) = 0;
  virtual std::optional<Publication> publication_of(const Id& song, const std::string& platform) = 0;  ///< not removed
  virtual std::vector<Publication> publications_of(const Id& song) = 0;
  virtual std::vector<Publication> publications(const Id& account, int limit) = 0;
  virtual void erase_publication(const Id&) = 0;
};

/// What one transaction sees.
class Transaction {
 public:
  virtual ~Transaction() = default;
  virtual AccountStore& accounts() = 0;
  virtual LedgerStore& ledger() = 0;
  virtual RecordingStore& recordings() = 0;
  virtual JobStore& jobs() = 0;
  virtual SongStore& songs() = 0;
  virtual OrderStore& orders() = 0;
  virtual ArtistStore& artists() = 0;
  virtual FollowStore& follows() = 0;
  virtual PlayStore& plays() = 0;
  virtual EarningStore& earnings() = 0;
  virtual VoiceStore& voices() = 0;
  virtual ReleaseStore& releases() = 0;
};

/// The database. Thread-safe; several processes may share it. A later PostgreSQL store is one more class beside SqliteStore.
class Store {
 public:
  virtual ~Store() = default;
  /// Runs `work` in one transaction that may write; it is committed when `work` returns and undone when it throws. Never inside another
  /// transaction of the same thread (std::logic_error).
  virtual void write(const std::function<void(Transaction&)>& work) = 0;
  /// The same for reading only: many at a time.
  virtual void read(const std::function<void(Transaction&)>& work) = 0;
  virtual void backup(const std::string& path) = 0;  ///< a consistent copy while others write
};

/// Opens, creates and migrates the SQLite database at `path`. A write for which the disk has no room throws ServiceError(507, "disk_full");
/// before that it is tried again if `make_room`, which may be called in any thread, says that there is some now.
std::unique_ptr<Store> open_sqlite_store(const std::string& path, std::function<bool()> make_room = {});

}  // namespace webwrap
