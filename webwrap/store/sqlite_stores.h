#pragma once
#include "store/sqlite_connection.h"
#include "store/store.h"

namespace webwrap {

/// The parts of a transaction on SQLite, one source file each. They live as long as the transaction.

class SqliteAccountStore : public AccountStore {
 public:
  explicit SqliteAccountStore(SqliteConnection& connection) : connection_(connection) {}
  void add(const Account&) override;
  void update(const Account&) override;
  std::optional<Account> find(const Id&) override;
  std::optional<Account> find_by_email(const std::string& email) override;
  void erase(const Id&, Seconds now) override;

  void add_session(const Session&) override;
  std::optional<Session> find_session(const std::string& token_hash) override;
  void touch_session(const std::string& token_hash, Seconds now) override;
  std::vector<Session> sessions(const Id& account) override;
  void erase_session(const Id& session) override;
  void erase_sessions(const Id& account) override;
  void erase_stale_sessions(Seconds seen_before) override;
  std::vector<Account> orphaned_guests(Seconds made_before, int limit) override;

  void add_device(const Device&) override;
  bool is_device(const std::string& token_hash) override;
  bool has_device(const std::string& token_hash, const Id& account) override;
  std::vector<Device> devices(const Id& account) override;
  void erase_devices(const Id& account) override;

  void add_token(const ApiToken&) override;
  std::optional<ApiToken> find_token(const std::string& token_hash) override;
  void touch_token(const std::string& token_hash, Seconds now) override;
  std::vector<ApiToken> tokens(const Id& account) override;
  bool erase_token(const Id& account, const Id& token) override;

  void add_mail_token(const MailToken&) override;
  std::optional<MailToken> consume_mail_token(const std::string& token_hash, const std::string& purpose, Seconds now) override;
  void erase_mail_tokens(const Id& account, const std::string& purpose) override;

  bool within_limit(const std::string& what, const std::string& who, int limit, Seconds window, Seconds now) override;
  void forget_limit(const std::string& what, const std::string& who) override;

 private:
  SqliteConnection& connection_;
};

class SqliteLedgerStore : public LedgerStore {
 public:
  explicit SqliteLedgerStore(SqliteConnection& connection) : connection_(connection) {}
  bool post(const LedgerEntry&) override;
  Credits balance(const std::string& account) override;
  std::vector<HistoryLine> history(const Id& user, int limit) override;
  std::vector<std::string> audit() override;  ///< in sqlite_audit.cc

 private:
  SqliteConnection& connection_;
};

class SqliteRecordingStore : public RecordingStore {
 public:
  explicit SqliteRecordingStore(SqliteConnection& connection) : connection_(connection) {}
  void add(const Recording&) override;
  void update(const Recording&) override;
  std::optional<Recording> find(const Id&) override;
  std::vector<Recording> list(const Id& account, int limit) override;
  std::vector<Recording> all() override;
  void erase(const Id&) override;
  std::int64_t bytes_of(const Id& account) override;
  std::vector<Recording> expired(Seconds now) override;

 private:
  SqliteConnection& connection_;
};

class SqliteJobStore : public JobStore {
 public:
  explicit SqliteJobStore(SqliteConnection& connection) : connection_(connection) {}
  void add(const Job&) override;
  std::optional<Job> find(const Id&) override;
  std::optional<Job> find_by_request(const Id& account, const std::string& request_key) override;
  std::vector<Job> list(const Id& account, int limit) override;
  std::vector<Job> renders(const Id& song, Job::Kind kind, int limit) override;
  void forget_request(const Id& job) override;
  int active_count(const Id& account) override;
  int quick_count(const Id& account) override;
  int position(const Job&) override;
  int queued_count() override;
  int running_count() override;

  std::optional<Job> claim(const std::string& worker, Seconds up, Seconds lease, int max_attempts, Seconds now) override;
  std::vector<Job> abandoned(Seconds up, int max_attempts) override;
  bool heartbeat(const Id& job, int attempt, const std::string& worker, double progress, const std::string& stage, Seconds up,
                 Seconds lease) override;
  bool finish(const Id& job, int attempt, const std::string& worker, Job::State state, const std::string& result,
              const std::string& failure, Seconds now) override;
  bool retry(const Id& job, int attempt, const std::string& worker, Seconds not_before) override;
  bool unclaim(const Id& job, int attempt, const std::string& worker, Seconds not_before) override;
  bool cancel(const Id& job, Seconds now) override;
  void reassign(const Id& from, const Id& to) override;

 private:
  SqliteConnection& connection_;
};

class SqliteSongStore : public SongStore {
 public:
  explicit SqliteSongStore(SqliteConnection& connection) : connection_(connection) {}
  void add(const Song&) override;
  void update(const Song&) override;
  std::optional<Song> find(const Id&) override;
  std::vector<Song> list(const Id& account, int limit) override;
  std::vector<Song> all() override;
  void erase(const Id&) override;

  void add_share(const Share&) override;
  void update_share(const Share&) override;
  std::optional<Share> find_share(const Id&) override;
  std::optional<Share> share_of(const Id& song) override;
  void erase_share(const Id&) override;
  void add_report(const Report&) override;
  std::vector<Report> reports(int limit) override;

 private:
  SqliteConnection& connection_;
};

class SqliteOrderStore : public OrderStore {
 public:
  explicit SqliteOrderStore(SqliteConnection& connection) : connection_(connection) {}
  void add(const Order&) override;
  void update(const Order&) override;
  std::optional<Order> find(const Id&) override;
  std::optional<Order> find_by_session(const std::string& session) override;
  std::optional<Order> find_by_payment_intent(const std::string& payment_intent) override;
  std::vector<Order> list(const Id& account, int limit) override;
  bool note_event(const std::string& event_id, const std::string& type, Seconds now) override;

 private:
  SqliteConnection& connection_;
};

class SqliteReleaseStore : public ReleaseStore {
 public:
  explicit SqliteReleaseStore(SqliteConnection& connection) : connection_(connection) {}
  void set_picture(const Picture&) override;
  std::optional<Picture> picture_of(const Id& owner) override;
  void erase_picture(const Id& owner) override;
  std::vector<Picture> pictures() override;

  void add(const Release&) override;
  void update(const Release&) override;
  std::optional<Release> find(const Id&) override;
  std::vector<Release> list(const Id& account, int limit) override;
  std::vector<Release> all() override;
  void erase(const Id&) override;

  void set_connection(const Connection&) override;
  void update_connection(const Connection&) override;
  std::optional<Connection> connection_to(const Id& account, const std::string& platform) override;
  std::vector<Connection> connections(const Id& account) override;
  void erase_connection(const Id&) override;

  void add_authorization(const Authorization&, Seconds now) override;
  std::optional<Authorization> consume_authorization(const std::string& state_hash, Seconds now) override;

  void add_publication(const Publication&) override;
  void update_publication(const Publication&) override;
  std::optional<Publication> find_publication(const Id&) override;
  std::optional<Publication> publication_of(const Id& song, const std::string& platform) override;
  std::vector<Publication> publications_of(const Id& song) override;
  std::vector<Publication> publications(const Id& account, int limit) override;
  void erase_publication(const Id&) override;

 private:
  SqliteConnection& connection_;
};

}  // namespace webwrap
