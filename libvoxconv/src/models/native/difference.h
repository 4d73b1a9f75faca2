#pragma once
#include "models/native/acoustic.h"
#include "nn/safetensors.h"

namespace voxconv::native {

/// A fine-tuned acoustic model as its difference to the one it started from: of large matrices a product of two thin ones (LoRA, Hu et al.
/// 2021, arXiv 2106.09685), of all other parameters the difference itself. 0.4 M numbers in place of 4.1 M.
class DifferenceImpl : public torch::nn::Module {
 public:
  /// No difference yet. `model` is what the difference is added to, and must outlive this.
  explicit DifferenceImpl(AcousticModelImpl& model);

  void apply();              ///< gives the model its starting weights plus the difference
  void collect_gradients();  ///< those of the difference from those of the model
  void clear_gradients();    ///< of the model

 private:
  struct Part {
    torch::Tensor parameter, start;  ///< of the model; its values without the difference
    torch::Tensor left, right;       ///< factors; of small parameters only `left`, in the parameter's shape
  };
  std::vector<Part> parts_;
};
TORCH_MODULE(Difference);

/// How the tensors of a difference are named in a voice's weights.
constexpr const char* difference_prefix = "difference.";

/// Adds the difference in a voice's weights to a model that has those of the base. Throws Error(bad_model).
void add_difference(AcousticModelImpl& model, const nn::Safetensors& file);

}  // namespace voxconv::native
