#pragma once
#include <gtest/gtest.h>

#include "commands/commands.h"
#include "config/config.h"

namespace webwrap::testing {

/// The mark by which an operator says what was looked at, as `webwrap voices show` prints it.
inline std::string seen_mark_of(const Config& config, const Id& voice) {
  ::testing::internal::CaptureStdout();
  show_voice(config, voice);
  const std::string shown = ::testing::internal::GetCapturedStdout(), before = "to approve: webwrap voices approve " + voice + " ";
  const std::size_t at = shown.find(before);
  return at == shown.npos ? "" : shown.substr(at + before.size(), 8);
}

}  // namespace webwrap::testing
