#pragma once
#include <functional>
#include <thread>

#include "domain/ledger.h"
#include "service.h"
#include "voxconv/error.h"
#include "worker/worker.h"

namespace webwrap::testing {

/// Does whatever a test says instead of converting.
struct TestRunner : JobRunner {
  std::function<JobOutput(const JobTask&)> work = [](const JobTask&) { return JobOutput{}; };
  int runs = 0;
  double longest = 60;
  double time_limit_s(const Job&) const override { return longest; }
  JobOutput run(const JobTask& task) override {
    ++runs;
    return work(task);
  }
};

/// Writes one file, and fails the test's expectations where its folder is not a fresh one.
inline JobOutput write_one_file(const JobTask& task, const std::string& text = "sound") {
  const std::string path = task.folder + "/out.bin";
  EXPECT_FALSE(std::filesystem::exists(path));
  FILE* file = std::fopen(path.c_str(), "w");
  std::fputs(text.c_str(), file);
  std::fclose(file);
  JobOutput output;
  output.files = {{"songs/" + task.job.song, "out.bin", path}};
  output.result = R"({"made":true})";
  return output;
}

inline bool wait_until(const std::function<bool()>& condition) {
  for (int i = 0; i < 500 && !condition(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return condition();
}

/// A member with credits and what the service needs to have jobs of his.
struct Customer {
  Customer(Service& owner, Credits credits) : service(owner) {
    account.id = new_id();
    account.kind = AccountKind::member;
    account.email = account.id + "@example.org";
    account.created = service.clock.now();
    service.store->write([&](Transaction& transaction) {
      transaction.accounts().add(account);
      LedgerEntry grant = grant_entry(account.id, credits, "grant:" + account.id, "Welcome");
      grant.time = service.clock.now();
      transaction.ledger().post(grant);
    });
  }

  /// A conversion as the API accepts one.
  Job order(Credits price) {
    Job job;
    job.id = new_id();
    job.account = account.id;
    job.song = new_id();
    job.price = price;
    job.parameters = R"({"title":"Song"})";
    job.created = service.clock.now();
    service.store->write([&](Transaction& transaction) {
      transaction.jobs().add(job);
      LedgerEntry reserve = reserve_entry(account.id, job.id, price, "Song");
      reserve.time = job.created;
      transaction.ledger().post(reserve);
    });
    return job;
  }

  Credits balance() {
    Credits credits = 0;
    service.store->read([&](Transaction& transaction) { credits = transaction.ledger().balance(user_account(account.id)); });
    return credits;
  }
  Credits reserved() {
    Credits credits = 0;
    service.store->read([&](Transaction& transaction) { credits = transaction.ledger().balance(reserved_account(account.id)); });
    return credits;
  }

  Service& service;
  Account account;
};

inline Job find_job(Service& service, const Id& id) {
  std::optional<Job> job;
  service.store->read([&](Transaction& transaction) { job = transaction.jobs().find(id); });
  return job.value_or(Job());
}

inline std::vector<std::string> audit(Service& service) {
  std::vector<std::string> problems;
  service.store->read([&](Transaction& transaction) { problems = transaction.ledger().audit(); });
  return problems;
}

}  // namespace webwrap::testing
