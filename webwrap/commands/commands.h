#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "config/config.h"
#include "payments/connect_gateway.h"
#include "store/store.h"

namespace webwrap {

/// The subcommands of `webwrap`. Each prints its result for people and returns the exit status; errors are exceptions, which main prints.

/// Prints what is wrong with the books, the database and the files (existence, size; `deep`: also their bytes); 1 where anything is.
int audit(const Config&, bool deep);
int backup(const Config&, const std::string& path);
int migrate(const Config&);  ///< brings the database to this program's schema
int reports(const Config&,
            bool all);  ///< what listeners complained about: what waits for a decision, the oldest first, or all, newest first
/// `decision`: "keep", "takedown" or "hide" (the artist); `by`: who decided.
int decide_report(const Config&, const std::string& report, const std::string& decision, const std::string& by, const std::string& note);
int hide_artist(const Config&, const std::string& handle, bool hidden);  ///< or shows it again; by the handle or the page's address
int serve(const Config&, const std::string& config_path);

/// How what a closed account at Stripe leaves is booked.
struct SettleOptions {
  std::string as;                      ///< as Settlement::how; empty: it is only shown
  std::optional<std::int64_t> amount;  ///< what is left, as it was shown: another sum is not booked
  std::string currency;                ///< of what is booked; empty: there is only one
  std::string reason, by;
  bool force = false;  ///< gives up what is still to move money there
};
/// Prints what is open between a member and the service, or books one remainder. `who`: the member's id or e-mail address, or one account
/// at Stripe, acct_...
int settle(const Config&, const std::string& who, const SettleOptions&);
int settle(const Config&, ConnectGateway&, const std::string& who, const SettleOptions&);
int takedown(const Config&, const std::string& share);  ///< ends a share for good; by its id or its address
/// Does jobs until SIGTERM, for `exit_when_idle` seconds without one (below 0: for ever), or only one (`once`).
int worker(const Config&, double exit_when_idle, bool once);

// Members' own voices (docs/own-voices.md). Approving and refusing are of what waits: a consent that must be heard, else a publication. The
// owner is told by mail.
int list_voices(const Config&, bool all);                                    ///< those that wait for a person, or all
int show_voice(const Config&, const Id& voice);                              ///< everything that is known of it, and the files to listen to
int approve_voice(const Config&, const Id& voice, const std::string& seen);  ///< `seen`: as show_voice() prints it
int refuse_voice(const Config&, const Id& voice, const std::string& reason);
int hide_voice(const Config&, const Id& voice, const std::string& reason);  ///< nobody may convert with it; reason "": they may again

std::string database_path(const Config&);  ///< the one file of the store, in data_dir
std::string blob_path(const Config&);      ///< the folder of the blobs, in data_dir

/// The service's database for commands that make no sense without one: throws std::runtime_error where there is none yet, so that a wrong
/// data_dir is no empty database.
std::unique_ptr<Store> open_existing_store(const Config&);

}  // namespace webwrap
