#pragma once

namespace voxconv {

/// While one lives, messages that its thread repeats are told once: a source that is read several times tells its damage the first time.
class ToldOnce {
 public:
  ToldOnce();
  ~ToldOnce();
  ToldOnce(const ToldOnce&) = delete;
  ToldOnce& operator=(const ToldOnce&) = delete;
};

}  // namespace voxconv
