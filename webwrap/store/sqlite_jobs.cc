#include "domain/error.h"
#include "store/sqlite_connection.h"
#include "store/sqlite_stores.h"

namespace webwrap {

void SqliteJobStore::add(const Job& job) {
  if (find_by_request(job.account, job.request_key))
    throw ServiceError(409, "request_key_used", "A job with this Idempotency-Key was accepted before.");
  rows::insert(connection_, job);
}

std::optional<Job> SqliteJobStore::find(const Id& id) { return rows::find<Job>(connection_, "id = ?", id); }

std::optional<Job> SqliteJobStore::find_by_request(const Id& account, const std::string& request_key) {
  return rows::find<Job>(connection_, "account = ? AND request_key = ? AND request_key <> ''", account, request_key);
}

std::vector<Job> SqliteJobStore::list(const Id& account, int limit) { return rows::list<Job>(connection_, account, limit); }

std::vector<Job> SqliteJobStore::renders(const Id& song, Job::Kind kind, int limit) {
  return rows::select<Job>(connection_, "WHERE song = ? AND kind = ? AND state = 'done' ORDER BY seq DESC LIMIT ?", song, kind, limit);
}

void SqliteJobStore::forget_request(const Id& job) { rows::run(connection_, "UPDATE jobs SET request_key = '' WHERE id = ?", job); }

void SqliteJobStore::forget_result(const Id& job) {
  rows::run(connection_,
            "INSERT OR IGNORE INTO blobs_to_remove SELECT result ->> '$.blob' FROM jobs WHERE id = ? AND result <> ''"
            " AND result ->> '$.blob' IS NOT NULL",
            job);
  rows::run(connection_, "UPDATE jobs SET request_key = '', result = '' WHERE id = ?", job);
}

std::vector<std::string> SqliteJobStore::blobs_to_remove(int limit) {
  SqliteQuery query(connection_, "SELECT key FROM blobs_to_remove ORDER BY key LIMIT ?", limit);
  std::vector<std::string> all;
  while (query.step()) all.push_back(query.get<std::string>(0));
  return all;
}

void SqliteJobStore::forget_blob(const std::string& removed) {
  rows::run(connection_, "DELETE FROM blobs_to_remove WHERE key = ?", removed);
}

int SqliteJobStore::active_count(const Id& account) {
  return rows::value<int>(connection_,
                          "SELECT count(*) FROM jobs WHERE account = ? AND kind IN ('convert', 'separate')"
                          " AND state IN ('queued', 'running')",
                          account);
}

int SqliteJobStore::quick_count(const Id& account) {
  return rows::value<int>(
      connection_,
      "SELECT count(*) FROM jobs WHERE account = ? AND kind IN ('analyse', 'render', 'picture', 'video', 'package', 'publish')"
      " AND state IN ('queued', 'running')",
      account);
}

int SqliteJobStore::position(const Job& job) {
  return rows::value<int>(connection_,
                          "SELECT count(*) FROM jobs WHERE state = 'queued' AND (priority, created, seq) <"
                          " (SELECT priority, created, seq FROM jobs WHERE id = ? AND state = 'queued')",
                          job.id);
}

int SqliteJobStore::queued_count() { return rows::value<int>(connection_, "SELECT count(*) FROM jobs WHERE state = 'queued'"); }

int SqliteJobStore::running_count() { return rows::value<int>(connection_, "SELECT count(*) FROM jobs WHERE state = 'running'"); }

bool SqliteJobStore::is_anyone_waiting(int priority, Seconds up) {
  return rows::value<int>(connection_,
                          "SELECT EXISTS (SELECT 1 FROM jobs WHERE state = 'queued' AND priority < ? AND not_before <= ?"
                          " AND NOT cancel_wanted)",
                          priority, up) > 0;
}

std::optional<Job> SqliteJobStore::claim(const std::string& worker, Seconds up, Seconds lease, int max_attempts, Seconds now) {
  if (worker.empty()) throw std::logic_error("A worker that claims jobs needs a name.");
  // Only the queue's top priority is looked at, from its index; there are a few jobs of each account in it at most.
  static const std::string open = "SELECT seq, account, priority, created FROM jobs WHERE attempts < ?4 AND NOT cancel_wanted AND ";
  static const std::string queued = open + "state = 'queued' AND not_before <= ?2 ";
  static const std::string sql =
      "WITH busy AS MATERIALIZED (SELECT account, count(*) AS jobs FROM jobs WHERE state = 'running' AND lease_until > ?2 GROUP BY "
      "account),"
      " expired AS MATERIALIZED (" +
      open +
      "state = 'running' AND lease_until <= ?2),"
      " top AS MATERIALIZED (SELECT min(priority) AS priority FROM (SELECT priority FROM expired UNION ALL"
      "  SELECT * FROM (SELECT priority FROM (" +
      queued +
      ") ORDER BY priority LIMIT 1))),"
      " candidates AS (SELECT * FROM expired WHERE priority = (SELECT priority FROM top) UNION ALL " +
      queued +
      "  AND priority = (SELECT priority FROM top))"
      " UPDATE jobs SET state = 'running', worker = ?1, attempts = attempts + 1, lease_until = ?2 + ?3, progress = 0, stage = '',"
      "  started = CASE started WHEN 0 THEN ?5 ELSE started END"
      " WHERE seq = (SELECT candidates.seq FROM candidates JOIN accounts ON accounts.id = candidates.account"
      "  LEFT JOIN busy ON busy.account = candidates.account"
      "  ORDER BY coalesce(busy.jobs, 0), served, candidates.created, candidates.seq LIMIT 1)"
      " RETURNING " +
      rows::columns<Job>();
  std::optional<Job> job;
  {
    SqliteQuery query(connection_, sql, worker, up, lease, max_attempts, now);
    if (query.step()) job = rows::read<Job>(query);
  }
  if (job) rows::run(connection_, "UPDATE accounts SET served = 1 + (SELECT max(served) FROM accounts) WHERE id = ?", job->account);
  return job;
}

std::vector<Job> SqliteJobStore::abandoned(Seconds up, int max_attempts) {
  return rows::select<Job>(connection_,
                           "WHERE (state = 'queued' AND (attempts >= ?2 OR cancel_wanted)) OR"
                           " (state = 'running' AND lease_until <= ?1 AND (attempts >= ?2 OR cancel_wanted)) ORDER BY seq DESC",
                           up, max_attempts);
}

// A job is a worker's while it runs under that worker's name and attempt, whether or not its lease has just run out: as long as nobody
// else claimed it, its work counts.

bool SqliteJobStore::heartbeat(const Id& job, int attempt, const std::string& worker, double progress, const std::string& stage, Seconds up,
                               Seconds lease) {
  return rows::run(connection_,
                   "UPDATE jobs SET progress = ?, stage = ?, lease_until = ?"
                   " WHERE id = ? AND state = 'running' AND attempts = ? AND worker = ? AND NOT cancel_wanted",
                   progress, stage, up + lease, job, attempt, worker) > 0;
}

bool SqliteJobStore::finish(const Id& job, int attempt, const std::string& worker, Job::State state, const std::string& result,
                            const std::string& failure, Seconds now) {
  if (state == Job::State::queued || state == Job::State::running) throw std::logic_error("A job ends as done, failed or cancelled.");
  // A queued job has no worker, so only who got it from abandoned() can end it.
  return rows::run(connection_,
                   "UPDATE jobs SET state = ?1, result = ?2, failure = ?3, finished = ?4, lease_until = 0,"
                   " progress = CASE ?1 WHEN 'done' THEN 1.0 ELSE progress END"
                   " WHERE id = ?5 AND state IN ('queued', 'running') AND attempts = ?6 AND worker = ?7",
                   state, result, failure, now, job, attempt, worker) > 0;
}

bool SqliteJobStore::retry(const Id& job, int attempt, const std::string& worker, Seconds not_before) {
  return rows::run(connection_,
                   "UPDATE jobs SET state = 'queued', worker = '', lease_until = 0, progress = 0, stage = '', not_before = ?"
                   " WHERE id = ? AND state = 'running' AND attempts = ? AND worker = ?",
                   not_before, job, attempt, worker) > 0;
}

bool SqliteJobStore::unclaim(const Id& job, int attempt, const std::string& worker, Seconds not_before) {
  return rows::run(connection_,
                   "UPDATE jobs SET state = 'queued', worker = '', lease_until = 0, progress = 0, stage = '', attempts = attempts - 1,"
                   " not_before = ? WHERE id = ? AND state = 'running' AND attempts = ? AND worker = ?",
                   not_before, job, attempt, worker) > 0;
}

bool SqliteJobStore::cancel(const Id& job, Seconds now) {
  if (rows::run(connection_, "UPDATE jobs SET state = 'cancelled', finished = ? WHERE id = ? AND state = 'queued'", now, job) > 0)
    return true;
  rows::run(connection_, "UPDATE jobs SET cancel_wanted = 1 WHERE id = ? AND state = 'running'", job);
  return false;
}

void SqliteJobStore::reassign(const Id& from, const Id& to) {
  rows::run(connection_, "UPDATE jobs SET account = ?, request_key = '' WHERE account = ?", to, from);
}

}  // namespace webwrap
