#include "worker/picture_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>
#include <vector>

#include "worker/job_runner.h"
#include "worker/picture.h"

namespace webwrap {
namespace {

namespace fs = std::filesystem;

struct SpawnSettings {
  SpawnSettings() {
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
};

/// Starts the program beside this one with nothing of this process but two files and /dev/null.
pid_t start(const std::string& input, const std::string& output, std::vector<std::string> arguments) {
  const std::string program = (fs::read_symlink("/proc/self/exe").parent_path() / "webwrap_picture").string();
  arguments.insert(arguments.begin(), program);
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  std::array<char*, 1> no_environment = {};

  SpawnSettings settings;
  posix_spawn_file_actions_addopen(&settings.files, 0, input.c_str(), O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&settings.files, 1, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_addopen(&settings.files, 2, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addclosefrom_np(&settings.files, 3);
  sigset_t none;
  ::sigemptyset(&none);
  posix_spawnattr_setsigmask(&settings.attributes, &none);
  posix_spawnattr_setflags(&settings.attributes, POSIX_SPAWN_SETSIGMASK);

  pid_t process = 0;
  const int error = ::posix_spawn(&process, program.c_str(), &settings.files, &settings.attributes, pointers.data(), no_environment.data());
  if (error != 0) throw std::runtime_error(fmt::format("{} cannot be started for a picture: {}.", program, std::strerror(error)));
  return process;
}

/// The process' status, as waitpid() gives it.
int wait_for(pid_t process, const voxconv::CancelToken& cancel) {
  int status = 0;
  while (::waitpid(process, &status, WNOHANG) == 0) {
    if (cancel.cancelled()) {
      ::kill(process, SIGKILL);
      ::waitpid(process, nullptr, 0);
      cancel.check();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return status;
}

PictureSquares read_squares(std::istream& in) {
  PictureSquares squares;
  std::size_t large = 0, small = 0;
  in >> squares.width >> squares.height >> large >> small;
  in.get();
  const std::string jpegs{std::istreambuf_iterator<char>(in), {}};
  if (large == 0 || small == 0 || large > jpegs.size() || jpegs.size() - large != small)
    throw std::runtime_error("webwrap_picture did not write what it says.");
  squares.large = jpegs.substr(0, large);
  squares.small = jpegs.substr(large);
  return squares;
}

}  // namespace

PictureSquares squares_of_picture(const std::string& path, const PictureSides& sides, const std::string& folder,
                                  const voxconv::CancelToken& cancel, const PictureLimits& limits) {
  const std::string output = folder + "/squares";
  const auto text = [](auto number) { return std::to_string(number); };
  const pid_t process =
      start(path, output, {text(limits.cpu_s), text(limits.memory), text(sides.least), text(sides.large), text(sides.small)});
  const int status = wait_for(process, cancel);
  if (WIFSIGNALED(status)) {
    // Who stops a service may signal all of its processes, and a machine without memory kills the largest: it is tried again then.
    if (const int signal = WTERMSIG(status); signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGKILL)
      throw std::runtime_error("webwrap_picture was stopped.");
    throw PermanentJobError(unreadable_picture);
  }
  std::ifstream in(output, std::ios::binary);
  if (WEXITSTATUS(status) == 0) return read_squares(in);
  std::string sentence;
  std::getline(in, sentence);
  if (WEXITSTATUS(status) == 1 && !sentence.empty()) throw PermanentJobError(sentence);
  throw std::runtime_error(fmt::format("webwrap_picture ended with status {}: {}", WEXITSTATUS(status), sentence));
}

}  // namespace webwrap
