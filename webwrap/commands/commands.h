#pragma once
#include <string>

#include "config/config.h"

namespace webwrap {

/// The subcommands of `webwrap`. Each prints its result for people and returns the exit status; errors are exceptions, which main prints.

int audit(const Config&);  ///< prints what is wrong with the books and the database; 1 where anything is
int backup(const Config&, const std::string& path);
int migrate(const Config&);  ///< brings the database to this program's schema
int serve(const Config&, const std::string& config_path);

std::string database_path(const Config&);  ///< the one file of the store, in data_dir

}  // namespace webwrap
