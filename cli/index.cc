#include <fmt/format.h>

#include "app.h"
#include "convert_flags.h"
#include "voxconv/retrieval.h"

namespace voxconv::cli {
namespace {

struct BuildCommand {
  std::string output;
  IndexOptions index;
};

struct IndexInfoCommand {
  std::string path;
};

void define_build(CLI::App& app, BuildCommand& options) {
  app.add_option("recordings", options.index.recordings, "Recordings of the voice, and folders that are searched in depth")
      ->required()
      ->type_name("RECORDINGS");
  app.add_option("-o,--output", options.output, "Index to write")->required()->type_name("FILE");
  app.add_option("--encoder", options.index.encoder, "Content encoder of the voice, for example contentvec/layer12 (RVC v2)")
      ->type_name("NAME");
  app.add_option("--voice", options.index.voice, "Instead of --encoder: the voice that is to use the index")->type_name("VOICE");
  app.add_option("--seed", options.index.seed, "Of the clusters; the same seed gives the same index")
      ->type_name("N")
      ->check(whole_number())
      ->capture_default_str();
  app.footer(
      "Examples:\n"
      "  voxconv index build recordings/anna -o anna.index --voice anna.pth\n"
      "  voxconv convert song.flac --voice anna.pth --index anna.index -o out.wav\n\n"
      "The index holds the content features of the recordings, in the format of RVC (faiss). RVC reads it too where the encoder is its "
      "own.");
}

std::string kind(const RetrievalInfo& info) { return info.inverted_lists ? fmt::format("IVF{},Flat", info.lists) : "Flat"; }

Console::Json to_json(const RetrievalInfo& info) {
  return {{"path", info.path},   {"kind", kind(info)},    {"dim", info.dim},    {"vectors", info.vectors},
          {"lists", info.lists}, {"probes", info.probes}, {"bytes", info.bytes}};
}

int run_build(Session& session, const BuildCommand& options) {
  IndexOptions index = options.index;
  index.load = session.load;
  const IndexReport report = build_index(options.output, index, session.console.progress(), session.cancel);
  Console::Json event = to_json(report.index);
  event.update({{"event", "index"}, {"encoder", report.encoder}, {"recorded_s", report.recorded_s}, {"wall_s", report.wall_s}});
  session.console.result(fmt::format("{}: {} vectors of {} numbers in {} lists, from {:.0f} s of recordings, in {:.1f} s", options.output,
                                     report.index.vectors, report.index.dim, report.index.lists, report.recorded_s, report.wall_s),
                         event);
  return 0;
}

void define_index_info(CLI::App& app, IndexInfoCommand& options) {
  app.add_option("index", options.path, "Index file")->required()->type_name("FILE");
}

int run_index_info(Session& session, const IndexInfoCommand& options) { return show_index(session, options.path); }

}  // namespace

int show_index(Session& session, const std::string& path) {
  const RetrievalInfo info = inspect_retrieval_index(path);
  Console::Json event = to_json(info);
  event["event"] = "index_info";
  session.console.result(fmt::format("{}\n  kind      {}\n  vectors   {}\n  numbers   {} each ({})\n  probes    {}\n  bytes     {}",
                                     info.path, kind(info), info.vectors, info.dim,
                                     info.dim == 256   ? "RVC v1"
                                     : info.dim == 768 ? "RVC v2"
                                                       : "no RVC",
                                     info.probes, info.bytes),
                         event);
  return 0;
}

void setup_index(CLI::App& app, Session& session) {
  CLI::App* group = app.add_subcommand("index", "Build and look into retrieval indices");
  group->require_subcommand(1);
  add_command<BuildCommand>(*group, session, "build", "Build a retrieval index from recordings of a voice", define_build, run_build);
  add_command<IndexInfoCommand>(*group, session, "info", "Say what a retrieval index holds", define_index_info, run_index_info);
}

}  // namespace voxconv::cli
