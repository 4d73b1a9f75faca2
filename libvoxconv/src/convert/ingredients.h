#pragma once
#include <memory>
#include <optional>

#include "convert/voice_impl.h"
#include "features/pitch/f0_estimator.h"
#include "features/retrieval/retrieval_index.h"
#include "voxconv/f0.h"
#include "voxconv/options.h"

namespace voxconv {

/// What a conversion is made with besides the voice, loaded once: const and shared by its channels.
struct Ingredients {
  std::shared_ptr<const ContentEncoder> content;  ///< the voice's, with the retrieval in it if there is one
  bool protects = false;                          ///< its frames carry the content without retrieval behind that with it
  std::shared_ptr<const RetrievalIndex> index;    ///< null: none
  std::shared_ptr<const F0Estimator> f0;          ///< null: not needed
  std::optional<F0Track> track;                   ///< pitch from a file instead
};

/// Throws Error(usage) where the voice cannot do what `options` ask for.
void check_use(const Voice::Impl& voice, const ConvertOptions& options);

/// Loads what `options` ask for and checks that it suits the voice. Throws Error(usage | not_found | bad_model).
Ingredients gather_ingredients(const Voice::Impl& voice, const ConvertOptions& options);

}  // namespace voxconv
