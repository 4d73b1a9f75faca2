#include "features/content/hubert_weights.h"

#include <utility>

#include "core/fail.h"
#include "nn/tensor_reader.h"
#include "nn/weight_norm.h"

namespace voxconv {
namespace {

using Names = std::vector<std::pair<std::string, std::string>>;

const Names& fairseq_starts() {
  static const Names names{{"layer_norm.", "feature_projection.layer_norm."},
                           {"post_extract_proj.", "feature_projection.projection."},
                           {"encoder.pos_conv.0.", "encoder.pos_conv_embed.conv."}};
  return names;
}

const Names& fairseq_parts() {
  static const Names names{{".self_attn.", ".attention."},
                           {".self_attn_layer_norm.", ".layer_norm."},
                           {".fc1.", ".feed_forward.intermediate_dense."},
                           {".fc2.", ".feed_forward.output_dense."}};
  return names;
}

/// fairseq's name of a tensor -> Hugging Face's.
std::string from_fairseq(const std::string& name) {
  for (const auto& [start, other] : fairseq_starts())
    if (name.rfind(start, 0) == 0) return other + name.substr(start.size());
  const std::string convs = "feature_extractor.conv_layers.";
  if (name.rfind(convs, 0) == 0) {  // "<layer>.0.weight" is the convolution, "<layer>.2.weight" its norm
    const std::size_t dot = name.find('.', convs.size());
    const std::string rest = dot == std::string::npos ? "" : name.substr(dot);
    if (rest.rfind(".0.", 0) == 0) return name.substr(0, dot) + ".conv" + rest.substr(2);
    if (rest.rfind(".2.", 0) == 0) return name.substr(0, dot) + ".layer_norm" + rest.substr(2);
    return name;
  }
  if (name.rfind("encoder.layers.", 0) == 0)
    for (const auto& [part, other] : fairseq_parts())
      if (const std::size_t at = name.find(part); at != std::string::npos)
        return name.substr(0, at) + other + name.substr(at + part.size());
  return name;
}

nn::StateDict hugging_face_names(const nn::StateDict& tensors) {
  const bool fairseq = tensors.count("post_extract_proj.weight") != 0;
  const std::string prefix = "hubert.";
  nn::StateDict named;
  for (const auto& [name, tensor] : tensors) {
    if (fairseq)
      named[from_fairseq(name)] = tensor;
    else
      named[name.rfind(prefix, 0) == 0 ? name.substr(prefix.size()) : name] = tensor;
  }
  return nn::fuse_weight_norms(named);
}

}  // namespace

HubertWeights read_hubert_weights(const nn::StateDict& tensors, const std::string& source) {
  const nn::StateDict named = hugging_face_names(tensors);
  const auto first = named.find("feature_extractor.conv_layers.0.conv.weight"),
             projection = named.find("feature_projection.projection.weight"),
             ffn = named.find("encoder.layers.0.feed_forward.intermediate_dense.weight");
  if (first == named.end() || projection == named.end() || ffn == named.end() || first->second.dim() != 3 ||
      projection->second.dim() != 2 || ffn->second.dim() != 2)
    fail(ErrorCode::bad_model,
         "{} holds no HuBERT of the base kind: feature_extractor.conv_layers.0, feature_projection.projection or encoder.layers.0 is "
         "missing.",
         source);
  const std::int64_t channels = first->second.size(0), hidden = projection->second.size(0), inner = ffn->second.size(0);

  nn::TensorReader reader(named, source);
  const auto affine = [&](const std::string& name, std::vector<std::int64_t> shape) {
    HubertWeights::Affine result;
    result.weight = reader.take(name + ".weight", shape);
    result.bias = reader.take(name + ".bias", {shape[0]});
    return result;
  };
  HubertWeights weights;
  for (std::int64_t i = 0; reader.has("feature_extractor.conv_layers." + std::to_string(i) + ".conv.weight"); ++i)
    weights.convs.push_back(
        reader.take("feature_extractor.conv_layers." + std::to_string(i) + ".conv.weight", {channels, i == 0 ? 1 : channels, -1}));
  weights.conv_norm = affine("feature_extractor.conv_layers.0.layer_norm", {channels});
  weights.feature_norm = affine("feature_projection.layer_norm", {channels});
  weights.feature_projection = affine("feature_projection.projection", {hidden, channels});
  const auto positions = named.find("encoder.pos_conv_embed.conv.weight");
  const std::int64_t taps = positions != named.end() && positions->second.dim() == 3 ? positions->second.size(2) : 0;
  weights.positions = affine("encoder.pos_conv_embed.conv", {hidden, -1, taps});
  weights.encoder_norm = affine("encoder.layer_norm", {hidden});
  for (std::int64_t i = 0; reader.has("encoder.layers." + std::to_string(i) + ".layer_norm.weight"); ++i) {
    const std::string layer = "encoder.layers." + std::to_string(i) + ".";
    weights.layers.push_back({affine(layer + "attention.q_proj", {hidden, hidden}), affine(layer + "attention.k_proj", {hidden, hidden}),
                              affine(layer + "attention.v_proj", {hidden, hidden}), affine(layer + "attention.out_proj", {hidden, hidden}),
                              affine(layer + "layer_norm", {hidden}), affine(layer + "feed_forward.intermediate_dense", {inner, hidden}),
                              affine(layer + "feed_forward.output_dense", {hidden, inner}), affine(layer + "final_layer_norm", {hidden})});
  }
  if (reader.has("final_proj.weight")) weights.final_projection = affine("final_proj", {-1, hidden});
  // Masks, classes of the training and heads of other tasks.
  for (const char* unused : {"masked_spec_embed", "mask_emb", "label_embs_concat", "lm_head.", "classifier.", "projector."})
    reader.ignore(unused);
  reader.finish();
  return weights;
}

}  // namespace voxconv
