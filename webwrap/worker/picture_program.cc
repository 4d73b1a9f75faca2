// webwrap_picture CPU_S MEMORY LEAST LARGE SMALL: reads a picture on standard input, writes its size and its middle in two sizes to
// standard output, as PictureSquares: "WIDTH HEIGHT BYTES BYTES\n" and two jpegs. Status 1: it is refused, with a sentence there; 2: a
// fault of ours. FFmpeg decodes what strangers made, and nothing bounds what it does for a file: so here, where time and memory
// end, with nothing of the worker but two files. It is no sandbox against code that a decoder's fault would let in. Workers start it
// (picture_process.cc).
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <new>
#include <stdexcept>
#include <string>

#include "worker/picture.h"

namespace {

constexpr int large_coarseness = 2, small_coarseness = 3;

void limit(int resource, rlim_t most) {
  const rlimit both = {most, resource == RLIMIT_CPU ? most + 1 : most};  // SIGXCPU first, which tells it from being killed
  if (::setrlimit(static_cast<__rlimit_resource>(resource), &both) != 0) throw std::runtime_error("A limit cannot be set.");
}

void restrain(rlim_t cpu_s, rlim_t memory) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) throw std::runtime_error("New privileges cannot be forbidden.");
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, 3);  // those that are open
  limit(RLIMIT_NPROC, 0);
  limit(RLIMIT_FSIZE, rlim_t{64} << 20);
  limit(RLIMIT_CPU, cpu_s);
  limit(RLIMIT_AS, memory);
}

void write_squares(const std::string& bytes, int least, int large, int small) {
  const webwrap::Pixels whole = webwrap::decode_picture(bytes, least);
  const std::string larger = encode_jpeg(square_of(whole, large), large_coarseness);
  const std::string smaller = encode_jpeg(square_of(whole, small), small_coarseness);
  std::cout << fmt::format("{} {} {} {}\n", whole.width, whole.height, larger.size(), smaller.size()) << larger << smaller << std::flush;
  if (!std::cout) throw std::runtime_error("The squares cannot be written.");
}

}  // namespace

int main(int count, char** arguments) {
  try {
    if (count != 6) throw std::runtime_error("This program is started by webwrap's workers.");
    restrain(std::stoul(arguments[1]), std::stoul(arguments[2]));
    std::ios::sync_with_stdio(false);
    write_squares({std::istreambuf_iterator<char>(std::cin), {}}, std::stoi(arguments[3]), std::stoi(arguments[4]),
                  std::stoi(arguments[5]));
    return 0;
  } catch (const webwrap::PictureRefused& refused) {
    std::cout << refused.what() << std::endl;
    return 1;
  } catch (const std::bad_alloc&) {
    std::cout << webwrap::unreadable_picture << std::endl;
    return 1;
  } catch (const std::exception& error) {
    std::cout << error.what() << std::endl;
    return 2;
  }
}
