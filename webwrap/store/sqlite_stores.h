#pragma once
#include "store/sqlite_connection.h"
#include "store/store.h"

namespace webwrap {

/// The parts of a transaction on SQLite, one source file each where nothing else is said. They live as long as the transaction.

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
  void forget_result(const Id& job) override;
  std::vector<std::string> blobs_to_remove(int limit) override;
  void forget_blob(const std::string& removed) override;
  int active_count(const Id& account) override;
  int quick_count(const Id& account) override;
  int position(const Job&) override;
  int queued_count() override;
  int running_count() override;
  bool is_anyone_waiting(int priority, Seconds up) override;

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
  std::vector<Report> open_reports(int limit) override;
  std::optional<Report> find_report(const Id&) override;
  void update_report(const Report&) override;

 private:
  SqliteConnection& connection_;
};

class SqliteArtistStore : public ArtistStore {
 public:
  explicit SqliteArtistStore(SqliteConnection& connection) : connection_(connection) {}
  void add(const Artist&, Seconds now) override;
  void update(const Artist&, Seconds now) override;
  std::optional<Artist> find(const Id& account) override;
  std::optional<Artist> find_by_handle(const std::string& handle) override;
  std::optional<Artist> find_by_old_handle(const std::string& handle, Seconds now) override;
  std::vector<Artist> all() override;
  void erase(const Id& account, Seconds now) override;
  std::vector<Share> public_shares(const Id& account, int limit, int offset) override;
  std::vector<Share> newest_shares(int limit) override;
  std::vector<Share> most_played_shares(std::int64_t since_day, int limit) override;
  std::vector<Share> followed_shares(const std::string& email, int limit) override;
  std::vector<Artist> most_followed(int limit) override;

  void forget(const Id& account, Seconds now);  ///< for an account that is about to go: its names stay reserved, but are nobody's

 private:
  void take_keys(const Artist&, Seconds now);
  void give_up_keys(const Id& account, Seconds now);
  void keep_handle(const Artist&, Seconds now);

  SqliteConnection& connection_;
};

class SqliteFollowStore : public FollowStore {
 public:
  explicit SqliteFollowStore(SqliteConnection& connection) : connection_(connection) {}
  bool add(const Follow&) override;
  std::optional<Follow> find(const Id&) override;
  std::optional<Follow> find(const Id& artist, const std::string& email) override;
  std::optional<Follow> find_by_token(const std::string& token_hash, Seconds now) override;
  void confirm(const Id&) override;
  void erase(const Id&) override;
  void erase_all_of(const std::string& email) override;
  int erase_expired(Seconds now) override;
  std::vector<Follow> list(const std::string& email, int limit) override;
  std::int64_t count(const Id& artist) override;
  std::vector<Id> artists_with_news(Seconds public_since, Seconds mailed) override;
  std::vector<Share> news_of(const Id& artist, Seconds public_since) override;
  void note_announced(const Id& song) override;
  void add_mailing(const Mailing&) override;
  void update_mailing(const Mailing&) override;
  std::vector<Mailing> open_mailings(int limit) override;
  std::vector<Follower> followers_after(const Id& artist, std::int64_t place, int limit) override;

 private:
  SqliteConnection& connection_;
};

class SqlitePlayStore : public PlayStore {
 public:
  explicit SqlitePlayStore(SqliteConnection& connection) : connection_(connection) {}
  std::string salt_of(std::int64_t day, const std::string& fresh) override;
  void start(const PlayStart&) override;
  std::optional<PlayStart> take(const std::string& token_hash, Seconds started_after) override;
  bool count(const Id& song, const Listener&, std::int64_t day, int songs_a_day, int networks_of_a_site) override;
  void forget(std::int64_t day, Seconds started) override;
  std::int64_t of_song(const Id& song, std::int64_t since_day) override;
  std::int64_t of_account(const Id&) override;
  std::int64_t of_public_songs(const Id& account) override;
  std::map<std::int64_t, std::int64_t> by_day(const Id& account, std::int64_t since_day) override;

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

class SqliteEarningStore : public EarningStore {
 public:
  explicit SqliteEarningStore(SqliteConnection& connection) : connection_(connection) {}
  // Fans and payouts: in sqlite_earnings.cc.
  std::int64_t next_look() override;
  EventWalk event_walk() override;
  void save(const EventWalk&) override;
  void save(const PayoutAccount&) override;
  std::optional<PayoutAccount> payout_account(const Id& account) override;
  std::optional<PayoutAccount> payout_account_of(const std::string& stripe) override;
  void add(const FormerAccount&) override;
  std::optional<FormerAccount> former_account(const std::string& stripe) override;
  std::vector<FormerAccount> former_accounts() override;
  std::vector<std::string> unsettled(const Id& account) override;
  std::vector<std::string> pending_matters(const Id& account, const std::string& stripe) override;
  void give_up_matters(const Id& account, const std::string& stripe) override;
  std::vector<Remainder> remainders(const Id& account) override;
  std::vector<Settlement> settlements(const Id& account) override;
  void add(const Settlement&) override;
  std::string charge_to(const std::string& stripe) override;
  std::string transfer_to(const std::string& stripe) override;
  void save(const Tier&) override;
  std::optional<Tier> tier(const Id&) override;
  std::vector<Tier> tiers(const Id& artist) override;
  bool can_have_subscribers(const Id& artist) override;
  void save(const FanSubscription&) override;
  std::optional<FanSubscription> subscription(const Id&) override;
  std::optional<FanSubscription> subscription_of(const std::string& stripe) override;
  std::vector<FanSubscription> subscriptions_of_fan(const Id& fan, int limit) override;
  std::vector<FanSubscription> subscriptions_between(const Id& fan, const Id& artist) override;
  int subscriber_count(const Id& artist, Seconds now) override;
  std::vector<FanSubscription> subscriptions_to_end(Seconds now, int limit) override;
  std::vector<FanSubscription> overdue_subscriptions(Seconds paid_before, Seconds checked_before, int limit) override;
  std::vector<FanSubscription> waiting_subscriptions(Seconds opened_before, Seconds checked_before, int limit) override;
  void stop_support(const Id& artist) override;
  void close_tiers(const Id& artist) override;
  void leave(const Id& account) override;
  void save(const FanPayment&) override;
  std::optional<FanPayment> payment(const Id&) override;
  std::optional<FanPayment> payment_of_charge(const std::string& charge) override;
  std::vector<FanPayment> payments_of_subscription(const Id& subscription) override;
  std::vector<FanPayment> payments_of_fan(const Id& fan, int limit) override;
  std::vector<FanPayment> payments_of_artist(const Id& artist, int limit) override;
  std::vector<FanPayment> payments_to_refund(Seconds now, int limit) override;
  std::vector<FanPayment> payments_to_recover(Seconds now, int limit) override;
  std::vector<FanPayment> tips_to_end(Seconds now, int limit) override;
  std::vector<FanPayment> waiting_tips(Seconds opened_before, Seconds checked_before, int limit) override;
  Money leaving(const Id& artist, const std::string& currency) override;
  void save(const Payout&) override;
  std::optional<Payout> payout(const std::string& id) override;
  std::vector<Payout> payouts_of(const Id& account, int limit) override;
  std::vector<std::string> currencies_of(const Id& account) override;
  std::vector<StatementLine> statement(const Id& account, const std::string& currency, Seconds from, Seconds to) override;
  std::int64_t balance_before(const std::string& account, Seconds before) override;

  // Royalties: in sqlite_royalties.cc.
  /// What each paid order of credits brought in and was neither given back nor lost.
  static constexpr const char* orders_kept =
      "(SELECT account, currency, credits, amount, max(0, iif(charged > 0, charged, amount) - refunded_amount - (SELECT"
      " coalesce(sum(value ->> '$.amount'), 0) FROM json_each(nullif(disputes, '')) WHERE value ->> '$.state' = 'lost')) AS kept"
      " FROM orders WHERE state IN ('paid', 'refunded', 'disputed'))";
  void set_owner(const VoiceOwner&) override;
  std::optional<VoiceOwner> owner_of(const std::string& voice) override;
  std::vector<VoiceOwner> voices_of(const Id& account) override;
  Spending spending(const Id& account) override;
  void save(const Spending&) override;
  Credits given_to(const Id& account) override;
  Credits bought_by(const Id& account) override;
  void save(const Royalty&) override;
  std::optional<Royalty> royalty(const Id& job) override;
  std::vector<Royalty> royalties_by(const Id& payer) override;
  Purchases purchases(const Id& payer, const std::string& currency) override;
  std::vector<Royalty> royalties_of(const Id& owner, int limit) override;
  std::vector<Royalty> royalties_to_settle(const Id& owner, const std::string& currency, Seconds until) override;
  std::vector<Due> due(Seconds until, Mills least) override;
  void save(const RoyaltyTransfer&) override;
  void add(const RoyaltyLine&) override;
  std::vector<RoyaltyLine> lines_of(const Id& transfer) override;
  std::optional<RoyaltyTransfer> transfer(const Id&) override;
  std::optional<RoyaltyTransfer> transfer_of(const std::string& stripe) override;
  std::vector<RoyaltyTransfer> transfers_of(const Id& owner, int limit) override;
  std::vector<RoyaltyTransfer> transfers_to_send(Seconds now, int limit) override;

  std::vector<std::string> audit() override;                 ///< in sqlite_audit.cc
  std::vector<std::string> attention(Seconds now) override;  ///< in sqlite_audit.cc

 private:
  void end_payments(const std::string& side, const Id& account);
  SqliteConnection& connection_;
};

class SqliteVoiceStore : public VoiceStore {
 public:
  explicit SqliteVoiceStore(SqliteConnection& connection) : connection_(connection) {}
  void add(const OwnVoice&) override;
  void update(const OwnVoice&) override;
  std::optional<OwnVoice> find(const Id&) override;
  std::optional<OwnVoice> find_by_link(const Id& link) override;
  std::vector<OwnVoice> list(const Id& account) override;
  std::vector<OwnVoice> in_state(OwnVoice::State) override;
  std::vector<OwnVoice> all() override;
  void erase(const Id&) override;
  std::int64_t bytes_of(const Id& account) override;

  std::vector<Recording> recordings(const Id& voice) override;
  std::vector<Job> active_jobs(const Id& voice) override;

  void add_consent(const Consent&) override;
  void update_consent(const Consent&) override;
  std::optional<Consent> find_consent(const Id&) override;
  std::vector<Consent> consents(const Id& voice) override;
  std::vector<Consent> consents_to_review() override;
  bool is_used_for_another(const Id& consent, const std::string& audio_sha256) override;

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
