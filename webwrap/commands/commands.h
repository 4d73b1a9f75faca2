#pragma once
#include <string>

#include "config/config.h"

namespace webwrap {

/// The subcommands of `webwrap`. Each prints its result for people and returns the exit status; errors are exceptions, which main prints.

/// Prints what is wrong with the books, the database and the files (existence, size; `deep`: also their bytes); 1 where anything is.
int audit(const Config&, bool deep);
int backup(const Config&, const std::string& path);
int migrate(const Config&);  ///< brings the database to this program's schema
int reports(const Config&);  ///< what listeners complained about, newest first
int serve(const Config&, const std::string& config_path);
int takedown(const Config&, const std::string& share);  ///< ends a share for good; by its id or its address
/// Does jobs until SIGTERM, for `exit_when_idle` seconds without one (below 0: for ever), or only one (`once`).
int worker(const Config&, double exit_when_idle, bool once);

std::string database_path(const Config&);  ///< the one file of the store, in data_dir
std::string blob_path(const Config&);      ///< the folder of the blobs, in data_dir

}  // namespace webwrap
