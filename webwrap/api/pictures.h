#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "api/context.h"
#include "store/records.h"

namespace webwrap {

/// The picture of a song or release as its owner sees it; null: none. `path`: "/songs/<id>" or "/releases/<id>".
nlohmann::json picture_view(const std::optional<Picture>&, const std::string& path);

/// A short job as pages watch it: the same for files of songs, videos, pictures and packages.
nlohmann::json quick_job_view(const Job&, const std::string& file_path);

/// Adds a job of those that are short or cost nothing, where the account may have one more; 429 else.
void add_quick_job(const Context&, Transaction&, Job&, bool at_once);

}  // namespace webwrap
