#pragma once
#include <memory>
#include <string>
#include <string_view>

namespace voxconv {

/// SHA-256 of bytes that come in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  void reset();
  void update(std::string_view bytes);
  /// 64 lower-case hex digits of what came since reset(); the object then has to be reset.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// SHA-256 of a file as 64 lower-case hex digits. Throws Error(not_found | io).
std::string sha256_file(const std::string& path);

}  // namespace voxconv
