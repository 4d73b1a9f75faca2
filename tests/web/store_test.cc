#include <gmock/gmock.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "database.h"
#include "domain/error.h"
#include "store/sqlite_connection.h"

namespace webwrap::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

/// A record with another value in every field for each `number`; enumerators differ too where they can.
template <class Record>
Record make(int number) {
  Record record;
  rows::for_columns<Record>([&](const auto& column, int index) {
    auto& field = record.*column.member;
    using Field = std::remove_reference_t<decltype(field)>;
    if constexpr (std::is_same_v<Field, std::string>)
      field = fmt::format("{} \"ä\" {}", column.name, number);
    else if constexpr (std::is_same_v<Field, bool>)
      field = (number + index) % 2 == 0;
    else if constexpr (std::is_enum_v<Field>)
      field = static_cast<Field>(static_cast<std::size_t>(number + index) % names_of(Field{}).size());
    else if constexpr (std::is_floating_point_v<Field>)
      field = 0.1 + number + index;
    else
      field = 1000 * number + index;
  });
  return record;
}

/// The record as text, for comparing every field.
template <class Record>
std::string text_of(const Record& record) {
  std::string text;
  rows::for_columns<Record>([&](const auto& column, int) {
    const auto& field = record.*column.member;
    if constexpr (std::is_enum_v<std::remove_cvref_t<decltype(field)>>)
      text += fmt::format("{}: {}\n", column.name, static_cast<int>(field));
    else
      text += fmt::format("{}: {}\n", column.name, field);
  });
  return text;
}

template <class Record>
std::string text_of(const std::optional<Record>& record) {
  return record ? text_of(*record) : "none";
}

template <class Record>
std::vector<Id> ids_of(const std::vector<Record>& records) {
  std::vector<Id> ids;
  for (const Record& record : records) ids.push_back(record.id);
  return ids;
}

struct StoreTest : ::testing::Test, Database {
  /// One of an account's things.
  template <class Record>
  Record make_of(const Id& account, int number) {
    Record record = make<Record>(number);
    record.account = account;
    return record;
  }
  void write(const std::function<void(Transaction&)>& work) { store->write(work); }
  void read(const std::function<void(Transaction&)>& work) { store->read(work); }
};

TEST_F(StoreTest, KeepsAccounts) {
  Account account = make<Account>(1);
  write([&](Transaction& t) { t.accounts().add(account); });
  read([&](Transaction& t) {
    EXPECT_EQ(text_of(t.accounts().find(account.id)), text_of(account));
    EXPECT_EQ(text_of(t.accounts().find_by_email(account.email)), text_of(account));
    EXPECT_FALSE(t.accounts().find("nobody"));
    EXPECT_FALSE(t.accounts().find_by_email("nobody"));
  });
  const Id id = account.id;
  account = make<Account>(2);
  account.id = id;
  write([&](Transaction& t) {
    t.accounts().update(account);
    t.accounts().update(make<Account>(3));
  });
  read([&](Transaction& t) {
    EXPECT_EQ(text_of(t.accounts().find(id)), text_of(account));
    EXPECT_FALSE(t.accounts().find(make<Account>(3).id));
  });
}

TEST_F(StoreTest, LetsNoTwoAccountsHaveOneAddress) {
  const Account owner = make<Account>(1);
  Account other = make<Account>(2), guest = add_account();
  add_account();  // guests have none
  other.email = owner.email;
  guest.email = owner.email;
  const auto code_of = [&](const std::function<void(Transaction&)>& work) {
    try {
      write(work);
    } catch (const ServiceError& error) {
      EXPECT_EQ(error.status(), 409);
      return error.code();
    }
    return std::string();
  };
  EXPECT_EQ(code_of([&](Transaction& t) { t.accounts().add(owner); }), "");
  EXPECT_EQ(code_of([&](Transaction& t) { t.accounts().add(other); }), "email_taken");
  EXPECT_EQ(code_of([&](Transaction& t) { t.accounts().update(guest); }), "email_taken");
  EXPECT_EQ(code_of([&](Transaction& t) { t.accounts().update(owner); }), "");
  read([&](Transaction& t) { EXPECT_FALSE(t.accounts().find_by_email("")); });
}

TEST_F(StoreTest, KeepsSessions) {
  const Id account = add_account().id, other = add_account().id;
  Session first = make_of<Session>(account, 1);
  const Session second = make_of<Session>(account, 2), foreign = make_of<Session>(other, 3);
  write([&](Transaction& t) {
    for (const Session& session : {first, second, foreign}) t.accounts().add_session(session);
    t.accounts().touch_session(first.token_hash, 777);
  });
  first.last_seen = 777;
  read([&](Transaction& t) {
    EXPECT_EQ(text_of(t.accounts().find_session(first.token_hash)), text_of(first));
    EXPECT_FALSE(t.accounts().find_session("none"));
    EXPECT_THAT(ids_of(t.accounts().sessions(account)), ElementsAre(second.id, first.id));
  });
  write([&](Transaction& t) { t.accounts().erase_session(first.id); });
  read([&](Transaction& t) { EXPECT_THAT(ids_of(t.accounts().sessions(account)), ElementsAre(second.id)); });
  write([&](Transaction& t) { t.accounts().erase_sessions(account); });
  read([&](Transaction& t) {
    EXPECT_THAT(t.accounts().sessions(account), IsEmpty());
    EXPECT_THAT(ids_of(t.accounts().sessions(other)), ElementsAre(foreign.id));
  });
}

TEST_F(StoreTest, FindsOrphanedGuests) {
  const Account active = add_account(100), lost = add_account(100), fresh = add_account(200), other = add_account(100);
  Account member = make<Account>(1);
  member.kind = AccountKind::member;
  member.created = 100;
  Session used = make_of<Session>(active.id, 1), stale = make_of<Session>(lost.id, 2);
  used.last_seen = 150;
  stale.last_seen = 149;
  write([&](Transaction& t) {
    t.accounts().add(member);
    t.accounts().add_session(used);
    t.accounts().add_session(stale);
    EXPECT_THAT(ids_of(t.accounts().orphaned_guests(200, 10)), ElementsAre(other.id));
    t.accounts().erase_stale_sessions(150);
    EXPECT_THAT(ids_of(t.accounts().orphaned_guests(200, 10)), UnorderedElementsAre(lost.id, other.id));
    EXPECT_EQ(t.accounts().orphaned_guests(200, 1).size(), 1u);
    EXPECT_TRUE(t.accounts().find_session(used.token_hash));
    EXPECT_TRUE(t.accounts().find(fresh.id));
  });
}

TEST_F(StoreTest, KeepsApiTokens) {
  const Id account = add_account().id, other = add_account().id;
  ApiToken first = make_of<ApiToken>(account, 1);
  const ApiToken second = make_of<ApiToken>(account, 2);
  write([&](Transaction& t) {
    t.accounts().add_token(first);
    t.accounts().add_token(second);
    t.accounts().touch_token(first.token_hash, 777);
  });
  first.last_used = 777;
  read([&](Transaction& t) {
    EXPECT_EQ(text_of(t.accounts().find_token(first.token_hash)), text_of(first));
    EXPECT_FALSE(t.accounts().find_token("none"));
    EXPECT_THAT(ids_of(t.accounts().tokens(account)), ElementsAre(second.id, first.id));
    EXPECT_THAT(t.accounts().tokens(other), IsEmpty());
  });
  write([&](Transaction& t) {
    EXPECT_FALSE(t.accounts().erase_token(other, first.id)) << "it is another account's";
    EXPECT_TRUE(t.accounts().erase_token(account, first.id));
    EXPECT_FALSE(t.accounts().erase_token(account, first.id));
    EXPECT_FALSE(t.accounts().find_token(first.token_hash));
  });
}

TEST_F(StoreTest, TakesMailTokensOnce) {
  const Id account = add_account().id;
  write([&](Transaction& t) {
    AccountStore& accounts = t.accounts();
    for (const char* hash : {"a", "b", "c"}) accounts.add_mail_token({hash, "verify", account, 100});
    accounts.add_mail_token({"d", "reset", account, 200});
    EXPECT_FALSE(accounts.consume_mail_token("a", "reset", 50)) << "it is for something else";
    EXPECT_EQ(accounts.consume_mail_token("a", "verify", 99).value().account, account);
    EXPECT_FALSE(accounts.consume_mail_token("a", "verify", 99)) << "once";
    EXPECT_FALSE(accounts.consume_mail_token("b", "verify", 100)) << "it has expired";
    accounts.add_mail_token({"e", "verify", account, 300});
    accounts.erase_mail_tokens(account, "verify");
    EXPECT_FALSE(accounts.consume_mail_token("e", "verify", 100));
    EXPECT_TRUE(accounts.consume_mail_token("d", "reset", 100));
  });
}

TEST_F(StoreTest, LimitsEventsToTheWindow) {
  write([&](Transaction& t) {
    const auto within = [&](Seconds now, const char* what = "log_in", const char* who = "192.0.2.1") {
      return t.accounts().within_limit(what, who, 2, 60, now);
    };
    EXPECT_TRUE(within(100));
    EXPECT_TRUE(within(130));
    EXPECT_FALSE(within(159));
    EXPECT_TRUE(within(159, "sign_up"));
    EXPECT_TRUE(within(159, "log_in", "192.0.2.2"));
    EXPECT_TRUE(within(160)) << "the first is out of the window";
    EXPECT_FALSE(within(189));
    EXPECT_TRUE(within(190));
    EXPECT_FALSE(t.accounts().within_limit("nothing", "x", 0, 60, 100));
  });
}

TEST_F(StoreTest, EraseRemovesAllOfAnAccountButTheBooks) {
  const Id account = add_account().id, other = add_account().id;
  const Session session = make_of<Session>(account, 1);
  const ApiToken token = make_of<ApiToken>(account, 1);
  const Recording recording = make_of<Recording>(account, 1);
  const Song song = make_of<Song>(account, 1), kept = make_of<Song>(other, 2);
  Share share = make_of<Share>(account, 1);
  share.song = song.id;
  Job job;
  job.id = "job";
  job.account = account;
  job.price = 3;
  Order order = make_of<Order>(account, 1);
  order.state = Order::State::paid;
  write([&](Transaction& t) {
    t.accounts().add_session(session);
    t.accounts().add_token(token);
    t.accounts().add_mail_token({"m", "verify", account, 100});
    t.recordings().add(recording);
    t.songs().add(song);
    t.songs().add(kept);
    t.songs().add_share(share);
    t.orders().add(order);
    t.ledger().post(purchase_entry(account, order.credits, order.session, "Bought"));
    t.jobs().add(job);
    t.ledger().post(reserve_entry(account, job.id, 3, "Song"));
  });
  write([&](Transaction& t) { t.accounts().erase(account, 50); });
  write([&](Transaction& t) {
    EXPECT_FALSE(t.accounts().find(account));
    EXPECT_FALSE(t.accounts().find_session(session.token_hash));
    EXPECT_FALSE(t.accounts().find_token(token.token_hash));
    EXPECT_FALSE(t.accounts().consume_mail_token("m", "verify", 1));
    EXPECT_FALSE(t.recordings().find(recording.id));
    EXPECT_FALSE(t.jobs().find(job.id));
    EXPECT_FALSE(t.songs().find(song.id));
    EXPECT_FALSE(t.songs().find_share(share.id));
    EXPECT_TRUE(t.songs().find(kept.id));
    EXPECT_EQ(text_of(t.orders().find(order.id)), text_of(order));
    EXPECT_EQ(t.ledger().balance(user_account(account)), order.credits);
    EXPECT_EQ(t.ledger().history(account, 1).at(0).time, 50);
  });
  EXPECT_THAT(audit(), IsEmpty());
}

TEST_F(StoreTest, KeepsRecordings) {
  const Id account = add_account().id, other = add_account().id;
  Recording first = make_of<Recording>(account, 1), second = make_of<Recording>(account, 2), foreign = make_of<Recording>(other, 3);
  write([&](Transaction& t) {
    for (const Recording& recording : {first, second, foreign}) t.recordings().add(recording);
  });
  read([&](Transaction& t) {
    EXPECT_EQ(text_of(t.recordings().find(first.id)), text_of(first));
    EXPECT_FALSE(t.recordings().find("none"));
    EXPECT_THAT(ids_of(t.recordings().list(account, 10)), ElementsAre(second.id, first.id));
    EXPECT_THAT(ids_of(t.recordings().list(account, 1)), ElementsAre(second.id));
    EXPECT_EQ(t.recordings().bytes_of(account), first.size + first.stems_bytes + second.size + second.stems_bytes);
    EXPECT_EQ(t.recordings().bytes_of("none"), 0);
  });
  const Id id = first.id;
  first = make_of<Recording>(account, 7);
  first.id = id;
  first.state = Recording::State::uploading;
  first.expires = 500;
  second.state = Recording::State::ready;
  second.expires = 500;
  write([&](Transaction& t) {
    t.recordings().update(first);
    t.recordings().update(second);
  });
  read([&](Transaction& t) {
    EXPECT_EQ(text_of(t.recordings().find(id)), text_of(first));
    EXPECT_THAT(t.recordings().expired(499), IsEmpty());
    EXPECT_THAT(ids_of(t.recordings().expired(500)), ElementsAre(id));
  });
  write([&](Transaction& t) { t.recordings().erase(id); });
  read([&](Transaction& t) { EXPECT_THAT(ids_of(t.recordings().list(account, 10)), ElementsAre(second.id)); });
}

TEST_F(StoreTest, KeepsJobs) {
  const Id account = add_account().id, other = add_account().id;
  const Job first = make_of<Job>(account, 1), second = make_of<Job>(account, 2);
  Job foreign = make_of<Job>(other, 3), again = make_of<Job>(account, 4);
  foreign.request_key = again.request_key = first.request_key;
  write([&](Transaction& t) {
    for (const Job& job : {first, second, foreign}) t.jobs().add(job);
  });
  read([&](Transaction& t) {
    EXPECT_EQ(text_of(t.jobs().find(first.id)), text_of(first));
    EXPECT_FALSE(t.jobs().find("none"));
    EXPECT_EQ(text_of(t.jobs().find_by_request(account, first.request_key)), text_of(first));
    EXPECT_EQ(text_of(t.jobs().find_by_request(other, first.request_key)), text_of(foreign));
    EXPECT_FALSE(t.jobs().find_by_request(account, "none"));
    EXPECT_FALSE(t.jobs().find_by_request(account, ""));
    EXPECT_THAT(ids_of(t.jobs().list(account, 10)), ElementsAre(second.id, first.id));
    EXPECT_THAT(ids_of(t.jobs().list(account, 1)), ElementsAre(second.id));
  });
  EXPECT_THROW(write([&](Transaction& t) { t.jobs().add(again); }), ServiceError);
  add_job(account);
  add_job(account);  // without keys
}

TEST_F(StoreTest, KeepsSongs) {
  const Id account = add_account().id;
  Song first = make_of<Song>(account, 1);
  const Song second = make_of<Song>(account, 2);
  write([&](Transaction& t) {
    t.songs().add(first);
    t.songs().add(second);
  });
  first.title = "Another";
  write([&](Transaction& t) { t.songs().update(first); });
  read([&](Transaction& t) {
    EXPECT_EQ(text_of(t.songs().find(first.id)), text_of(first));
    EXPECT_EQ(text_of(t.songs().find(second.id)), text_of(second));
    EXPECT_THAT(ids_of(t.songs().list(account, 10)), ElementsAre(second.id, first.id));
    EXPECT_THAT(ids_of(t.songs().list(account, 1)), ElementsAre(second.id));
  });
  write([&](Transaction& t) { t.songs().erase(first.id); });
  read([&](Transaction& t) { EXPECT_FALSE(t.songs().find(first.id)); });
}

TEST_F(StoreTest, KeepsSharesAndReports) {
  const Id account = add_account().id;
  const Song song = make_of<Song>(account, 1);
  Share share = make_of<Share>(account, 1);
  share.song = song.id;
  Report early = make<Report>(1), late = make<Report>(2);
  early.share = late.share = share.id;
  write([&](Transaction& t) {
    t.songs().add(song);
    t.songs().add_share(share);
    t.songs().add_report(early);
    t.songs().add_report(late);
  });
  Share second = share;
  second.id = "second";
  EXPECT_ANY_THROW(write([&](Transaction& t) { t.songs().add_share(second); })) << "a song has one share";
  share.taken_down = !share.taken_down;
  share.allow_download = !share.allow_download;
  write([&](Transaction& t) { t.songs().update_share(share); });
  read([&](Transaction& t) {
    EXPECT_EQ(text_of(t.songs().find_share(share.id)), text_of(share));
    EXPECT_EQ(text_of(t.songs().share_of(song.id)), text_of(share));
    EXPECT_FALSE(t.songs().find_share("none"));
    EXPECT_FALSE(t.songs().share_of("none"));
    ASSERT_EQ(t.songs().reports(10).size(), 2u);
    EXPECT_EQ(text_of(t.songs().reports(1).at(0)), text_of(late));
  });
  write([&](Transaction& t) { t.songs().erase_share(share.id); });
  read([&](Transaction& t) {
    EXPECT_FALSE(t.songs().share_of(song.id));
    EXPECT_EQ(t.songs().reports(10).size(), 2u) << "complaints stay";
  });
  write([&](Transaction& t) {
    t.songs().add_share(share);
    t.songs().erase(song.id);
    EXPECT_FALSE(t.songs().find_share(share.id)) << "it goes with its song";
  });
}

TEST_F(StoreTest, KeepsOrdersAndEvents) {
  Order first = make<Order>(1);
  const Order second = [&] {
    Order order = make<Order>(2);
    order.account = first.account;
    order.session = order.payment_intent = "";
    return order;
  }();
  write([&](Transaction& t) {
    t.orders().add(first);
    t.orders().add(second);
    EXPECT_TRUE(t.orders().note_event("evt_1", "charge.refunded", 1));
    EXPECT_FALSE(t.orders().note_event("evt_1", "charge.refunded", 2));
  });
  const Id id = first.id, account = first.account;
  first = make<Order>(5);
  first.id = id;
  first.account = account;
  write([&](Transaction& t) { t.orders().update(first); });
  read([&](Transaction& t) {
    EXPECT_EQ(text_of(t.orders().find(id)), text_of(first));
    EXPECT_EQ(text_of(t.orders().find_by_session(first.session)), text_of(first));
    EXPECT_EQ(text_of(t.orders().find_by_payment_intent(first.payment_intent)), text_of(first));
    EXPECT_FALSE(t.orders().find_by_session(""));
    EXPECT_FALSE(t.orders().find_by_payment_intent(""));
    EXPECT_THAT(ids_of(t.orders().list(account, 10)), ElementsAre(second.id, id));
  });
}

TEST_F(StoreTest, UndoesWhatThrows) {
  const Account account = make<Account>(1);
  EXPECT_THROW(write([&](Transaction& t) {
                 t.accounts().add(account);
                 throw ServiceError(402, "not_enough_credits", "No.");
               }),
               ServiceError);
  read([&](Transaction& t) { EXPECT_FALSE(t.accounts().find(account.id)); });
  write([&](Transaction& t) { t.accounts().add(account); });
}

TEST_F(StoreTest, RefusesToWriteWhereItCannot) {
  EXPECT_ANY_THROW(read([&](Transaction& t) { t.accounts().add(make<Account>(1)); })) << "it was asked for reading only";
  EXPECT_THROW(write([&](Transaction&) { write([](Transaction&) {}); }), std::logic_error) << "it would wait for itself";
  EXPECT_ANY_THROW(write([&](Transaction& t) { t.songs().add(make_of<Song>("nobody", 1)); })) << "there is no such account";
  write([&](Transaction& t) { t.accounts().add(make<Account>(1)); });
}

TEST_F(StoreTest, IsSharedByThreads) {
  const Id account = add_account().id;
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&, i] {
      for (int n = 0; n < 40; ++n)
        write([&](Transaction& t) {
          t.ledger().post(grant_entry(account, 1, fmt::format("{} {} a", i, n), ""));
          t.ledger().post(grant_entry(account, 1, fmt::format("{} {} b", i, n), ""));
        });
    });
  std::thread reader([&] {
    while (!done) read([&](Transaction& t) { ASSERT_EQ(t.ledger().balance(user_account(account)) % 2, 0) << "half a transaction"; });
  });
  for (std::thread& thread : threads) thread.join();
  done = true;
  reader.join();
  read([&](Transaction& t) { EXPECT_EQ(t.ledger().balance(user_account(account)), 240); });
}

TEST_F(StoreTest, BacksUpWhileOthersWrite) {
  const Id account = add_account().id;
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (int n = 0; !done; ++n) write([&](Transaction& t) { t.ledger().post(grant_entry(account, 1, fmt::format("{}", n), "")); });
  });
  const std::string path = (dir / "backup.db").string();
  std::ofstream(path) << "an older one";
  for (int i = 0; i < 3; ++i) store->backup(path);
  done = true;
  writer.join();
  const std::unique_ptr<Store> copy = open_sqlite_store(path);
  copy->read([&](Transaction& t) {
    EXPECT_TRUE(t.accounts().find(account));
    EXPECT_THAT(t.ledger().audit(), IsEmpty());
  });
  struct stat status {};
  ::stat(path.c_str(), &status);
  EXPECT_EQ(status.st_mode & 0777, 0600u) << "there are password hashes in it";
  EXPECT_ANY_THROW(store->backup((dir / "no" / "such" / "folder").string()));
  for (const auto& file : std::filesystem::directory_iterator(dir)) EXPECT_THAT(file.path().string(), Not(HasSubstr(".tmp-")));
}

TEST_F(StoreTest, OpensAgainAndRefusesANewerSchema) {
  const Id account = add_account().id;
  store.reset();
  open_sqlite_store(path)->read([&](Transaction& t) { EXPECT_TRUE(t.accounts().find(account)); });
  ASSERT_EQ(tamper("PRAGMA user_version = 999"), "");
  try {
    open_sqlite_store(path);
    FAIL() << "it should not have opened";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("schema 999"));
  }
}

TEST_F(StoreTest, TakesTitlesOutOfOlderBooks) {
  store.reset();
  for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(path + end);
  ASSERT_EQ(
      tamper(
          std::string(sqlite_migrations().front()) +
          "INSERT INTO entries (key, kind, note, time) VALUES ('g', 'grant', 'Free credits', 1), ('job:j:reserve', 'reserve', 'Song', 2),"
          " ('job:j:capture', 'capture', 'Song', 3), ('job:k:release', 'release', 'Account deleted', 4);"
          "DROP TRIGGER postings_end;"
          "INSERT INTO postings (entry, account, amount) SELECT seq, 'user:u', 1 FROM entries; PRAGMA user_version = 1"),
      "");
  store = open_sqlite_store(path);
  std::vector<std::string> notes;
  read([&](Transaction& t) {
    for (const HistoryLine& line : t.ledger().history("u", 10)) notes.push_back(line.note);
  });
  EXPECT_THAT(notes, ElementsAre("Account deleted", "", "", "Free credits"));
  EXPECT_THAT(tamper("UPDATE entries SET note = 'x'"), HasSubstr("append-only"));
}

/// Jobs of an older database stay, and a new kind may join them.
TEST_F(StoreTest, KeepsJobsOfOlderDatabases) {
  store.reset();
  for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(path + end);
  std::string older;
  for (std::size_t i = 0; i < 6; ++i) older += sqlite_migrations()[i];
  ASSERT_EQ(
      tamper(
          older +
          "INSERT INTO accounts (id, kind, email, name, password_hash, email_verified, frozen, created)"
          " VALUES ('a', 'guest', '', '', '', 0, 0, 1);"
          "INSERT INTO jobs VALUES (7, 'j', 'a', 'render', 'queued', '', 's', '', '{}', '', 0, 1, 0, '', '', 'k', 0, '', 0, 0, 0, 3, 0, 0);"
          "PRAGMA user_version = 6"),
      "");
  store = open_sqlite_store(path);
  write([&](Transaction& t) {
    const auto job = t.jobs().find("j");
    ASSERT_TRUE(job);
    EXPECT_EQ(job->kind, Job::Kind::render);
    EXPECT_EQ(job->created, 3);
    EXPECT_EQ(t.jobs().find_by_request("a", "k")->id, "j");
    Job other = *job;
    other.id = "separate";
    other.kind = Job::Kind::separate;
    other.request_key = "";
    t.jobs().add(other);
    EXPECT_EQ(t.jobs().active_count("a"), 1);
    EXPECT_EQ(t.jobs().quick_count("a"), 1);
    other.request_key = "k";
    other.id = "again";
    EXPECT_ANY_THROW(t.jobs().add(other));
  });
  EXPECT_THAT(audit(), IsEmpty());
}

TEST_F(StoreTest, IsMadeByManyAtATime) {
  const std::string fresh = (dir / "fresh.db").string();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] { EXPECT_NO_THROW(open_sqlite_store(fresh)->write([](Transaction& t) { t.jobs().queued_count(); })); });
  for (std::thread& thread : threads) thread.join();
}

TEST(Store, RefusesAFileThatIsNoDatabase) {
  Database database;
  const std::string path = (database.dir / "text").string();
  std::ofstream(path) << std::string(4096, 'x');
  EXPECT_ANY_THROW(open_sqlite_store(path));
  EXPECT_ANY_THROW(open_sqlite_store((database.dir / "no" / "folder.db").string()));
}

}  // namespace
}  // namespace webwrap::testing
