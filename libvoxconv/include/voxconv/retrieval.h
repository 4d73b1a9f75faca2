#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "voxconv/progress.h"
#include "voxconv/voice.h"

namespace voxconv {

/// What a retrieval index (a faiss file, as RVC makes them) holds.
struct RetrievalInfo {
  std::string path;
  bool inverted_lists = false;  ///< searched by lists of near vectors ("IVFn,Flat"); false: every vector each time ("Flat")
  std::int64_t dim = 0;         ///< numbers a frame; those of the content encoder: 768, or 256 in RVC v1
  std::int64_t vectors = 0;     ///< 0: of no use (RVC's "trained_..." file; its "added_..." one has them)
  std::int64_t lists = 0;
  std::int64_t probes = 0;  ///< lists searched for a frame unless told otherwise
  std::uint64_t bytes = 0;
};

/// Reads and checks the structure of a retrieval index. Throws Error(not_found | bad_model).
RetrievalInfo inspect_retrieval_index(const std::string& path);

/// Recordings and content encoder of a retrieval index.
struct IndexOptions {
  std::vector<std::string> recordings;  ///< audio files, and folders that are searched in depth
  std::string encoder;                  ///< content encoder: the one of the voice that is to use the index, e.g. "contentvec/layer12" ...
  std::string voice;                    ///< ... or that voice: bundle, checkpoint or name
  LoadOptions load;
  std::uint64_t seed = 0;  ///< of the k-means starts; same seed and recordings: same index

  std::vector<std::string> problems() const;
};

struct IndexReport {
  RetrievalInfo index;
  std::string encoder;
  double recorded_s = 0;  ///< seconds of recordings; what is silent in them is left out
  double wall_s = 0;
};

/// Builds a retrieval index from recordings of the target voice and writes it to `path`, whole or not at all. Progress stages: "encode" (s
/// of audio), "cluster". Throws Error.
IndexReport build_index(const std::string& path, const IndexOptions& options, const ProgressFn& on_progress = {},
                        const CancelToken& cancel = {});

}  // namespace voxconv
