#include "models/separation/bag.h"

#include <algorithm>
#include <filesystem>
#include <mutex>

#include "core/fail.h"
#include "core/yaml_file.h"

namespace voxconv {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr std::size_t most_members = 32;

/// "<name>.th", or "<name>-<begin of its sha256>.th", in the bag's folder.
std::string member_file(const fs::path& bag, const std::string& name) {
  std::vector<std::string> found;
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(bag.has_parent_path() ? bag.parent_path() : fs::path("."), none)) {
    const std::string stem = entry.path().stem().string();
    if (entry.path().extension() == ".th" && (stem == name || stem.starts_with(name + "-"))) found.push_back(entry.path().string());
  }
  if (found.empty())
    fail(ErrorCode::not_found, "{} is a bag of models, of which {}-....th is not beside it; put all of them into one folder.", bag.string(),
         name);
  if (found.size() > 1)
    fail(ErrorCode::bad_model, "{} is a bag of models, and both {} and {} could be its {}; remove one.", bag.string(), found[0], found[1],
         name);
  return found.front();
}

class Bag : public SeparationModel, public std::enable_shared_from_this<Bag> {
 public:
  Bag(std::string path, BagFile bag, LoadMember load)
      : path_(std::move(path)),
        bag_(std::move(bag)),
        load_(std::move(load)),
        members_(bag_.files.size()),
        first_(load_(bag_.files.front())) {
    members_.front() = first_;
    for (const auto& weights : bag_.weights)
      if (weights.size() != first_->stems().size())
        fail(ErrorCode::bad_model, "{} has {} weights for a model that finds {} stems.", path_, weights.size(), first_->stems().size());
    for (std::size_t stem = 0; stem < first_->stems().size(); ++stem)
      if (!(total(stem) > 0)) fail(ErrorCode::bad_model, "{} gives no model a weight for {}.", path_, first_->stems()[stem]);
  }

  int sample_rate() const override { return first_->sample_rate(); }
  const std::vector<std::string>& stems() const override { return first_->stems(); }
  double context_s() const override { return first_->context_s(); }
  std::unique_ptr<SeparationStream> start(const std::vector<std::string>& wanted) const override;

 private:
  double weight(std::size_t member, std::size_t stem) const { return bag_.weights.empty() ? 1 : bag_.weights[member][stem]; }
  double total(std::size_t stem) const {
    double sum = 0;
    for (std::size_t i = 0; i < members_.size(); ++i) sum += weight(i, stem);
    return sum;
  }
  std::shared_ptr<const SeparationModel> member(std::size_t index) const {
    const std::scoped_lock lock(loading_);
    std::shared_ptr<const SeparationModel>& model = members_[index];
    if (!model) {
      model = load_(bag_.files[index]);
      if (model->stems() != first_->stems() || model->sample_rate() != first_->sample_rate() || model->context_s() != first_->context_s())
        fail(ErrorCode::bad_model, "{} puts {} and {} together, which find other stems, or at other rates or segments.", path_,
             bag_.files.front(), bag_.files[index]);
    }
    return model;
  }

  std::string path_;
  BagFile bag_;
  LoadMember load_;
  mutable std::mutex loading_;
  mutable std::vector<std::shared_ptr<const SeparationModel>> members_;  ///< null: not loaded yet
  std::shared_ptr<const SeparationModel> first_;
};

class BagStream : public SeparationStream {
 public:
  /// A member's stream and for each of its stems which one that is of those wanted, and its share.
  struct Part {
    std::unique_ptr<SeparationStream> stream;
    std::vector<std::pair<std::size_t, float>> shares;
  };
  BagStream(std::vector<Part> parts, int rate, std::size_t stems) : parts_(std::move(parts)), rate_(rate), stems_(stems) {}

  std::vector<AudioBuffer> push(const AudioBuffer& stereo) override {
    return mean([&](SeparationStream& stream) { return stream.push(stereo); });
  }
  std::vector<AudioBuffer> finish() override {
    return mean([](SeparationStream& stream) { return stream.finish(); });
  }

 private:
  template <typename Take>
  std::vector<AudioBuffer> mean(const Take& take) {
    std::vector<AudioBuffer> sum(stems_);
    for (const Part& part : parts_) {
      const std::vector<AudioBuffer> found = take(*part.stream);
      for (std::size_t i = 0; i < found.size(); ++i) {
        const auto [stem, share] = part.shares[i];
        if (sum[stem].channels.empty()) sum[stem] = AudioBuffer(rate_, 2, found[i].frames());
        for (std::size_t c = 0; c < 2; ++c)
          std::transform(found[i].channels[c].begin(), found[i].channels[c].end(), sum[stem].channels[c].begin(),
                         sum[stem].channels[c].begin(), [share = share](float x, float y) { return y + share * x; });
      }
    }
    return sum;
  }

  std::vector<Part> parts_;
  int rate_;
  std::size_t stems_;
};

std::unique_ptr<SeparationStream> Bag::start(const std::vector<std::string>& wanted) const {
  std::vector<BagStream::Part> parts;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    BagStream::Part part;
    std::vector<std::string> names;
    for (std::size_t w = 0; w < wanted.size(); ++w) {
      const auto stem = std::size_t(std::ranges::find(stems(), wanted[w]) - stems().begin());
      if (weight(i, stem) == 0) continue;
      names.push_back(wanted[w]);
      part.shares.emplace_back(w, float(weight(i, stem) / total(stem)));
    }
    if (names.empty()) continue;
    part.stream = member(i)->start(names);
    parts.push_back(std::move(part));
  }
  return std::make_unique<BagStream>(std::move(parts), sample_rate(), wanted.size());
}

}  // namespace

bool is_bag_file(const std::string& path) {
  const fs::path extension = fs::path(path).extension();
  return extension == ".yaml" || extension == ".yml";
}

BagFile read_bag(const std::string& path) {
  const json content = read_yaml(path);
  const json names = content.is_object() ? content.value("models", json()) : json();
  if (!names.is_array() || names.empty() || names.size() > most_members)
    fail(ErrorCode::bad_model,
         "{} is no bag of models, which has a list \"models\"; to give a checkpoint its settings, name the checkpoint.", path);
  BagFile bag;
  try {
    for (const json& name : names) bag.files.push_back(member_file(path, name.is_number() ? name.dump() : name.get<std::string>()));
    if (const json weights = content.value("weights", json()); !weights.is_null()) weights.get_to(bag.weights);
  } catch (const json::exception& e) {
    fail(ErrorCode::bad_model, "{} is no bag of models: {}.", path, e.what());
  }
  if (!bag.weights.empty() && bag.weights.size() != bag.files.size())
    fail(ErrorCode::bad_model, "{} has {} models and weights for {}.", path, bag.files.size(), bag.weights.size());
  return bag;
}

std::shared_ptr<const SeparationModel> make_bag(const std::string& path, BagFile bag, LoadMember load) {
  return std::make_shared<const Bag>(path, std::move(bag), std::move(load));
}

}  // namespace voxconv
