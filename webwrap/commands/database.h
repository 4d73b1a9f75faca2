#pragma once
#include <memory>

#include "config/config.h"
#include "store/store.h"

namespace webwrap {

/// The service's database for commands that make no sense without one: throws std::runtime_error where there is none yet, so that a wrong
/// data_dir is no empty database.
std::unique_ptr<Store> open_existing_store(const Config&);

}  // namespace webwrap
