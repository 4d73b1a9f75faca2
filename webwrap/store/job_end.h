#pragma once
#include <string>

#include "store/store.h"

namespace webwrap {

/// The key of the blob that a job has made, as far as the database knows; empty: it is not done, or its file was removed.
std::string made_blob(const Job&);

/// Captures (done) or gives back (failed, cancelled) what was reserved for a job: in the transaction that ends it.
void settle(Transaction&, const Job&, Job::State ended_as, Seconds now);

/// Ends a job that made nothing, as failed or cancelled: gives its credits back, and a recording that could not be analysed is failed
/// too. `job` as it was claimed, or as abandoned() gave it. False: it is not the claimer's any more, and nothing changed.
bool end_without_result(Transaction&, const Job& job, Job::State ended_as, const std::string& failure, Seconds now);

/// Cancels a job for its owner: one that waits ends at once, one that runs is asked to stop. Others stay as they are.
void cancel_job(Transaction&, const Job&, Seconds now);

}  // namespace webwrap
