#include "train/training.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numbers>

#include "core/atomic_file.h"
#include "core/fail.h"
#include "core/log.h"
#include "core/stage_clock.h"
#include "nn/safetensors.h"
#include "voxconv/audio_io.h"

namespace voxconv::train {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;

/// Where a run stands, and how it is stored.
struct State {
  std::int64_t step = 0;
  double seconds = 0;
  double best_loss = std::numeric_limits<double>::infinity();
  int phase = 0;
};

std::map<std::string, torch::Tensor> read_tensors(const std::string& path) {
  const nn::Safetensors file(path);
  std::map<std::string, torch::Tensor> tensors;
  for (const std::string& name : file.names()) tensors[name] = file.get(name);
  return tensors;
}

std::string checkpoint_path(const LoopOptions& options) { return (fs::path(options.work_dir) / "checkpoint.safetensors").string(); }

void write_checkpoint(const LoopOptions& options, const Task& task, const State& state) {
  std::map<std::string, torch::Tensor> tensors;
  task.save(tensors);
  tensors["loop"] = torch::tensor({double(state.step), state.seconds, state.best_loss, double(state.phase)}, torch::kDouble);
  nn::save_safetensors(checkpoint_path(options), tensors, options.origin);
}

State read_checkpoint(const std::string& path, Task& task) {
  const auto tensors = read_tensors(path);
  task.load(tensors);
  const auto it = tensors.find("loop");
  if (it == tensors.end() || it->second.numel() != 4)
    fail(ErrorCode::bad_model, "{} is no training checkpoint of this version; remove it to start over.", path);
  const auto loop = it->second.accessor<double, 1>();
  return {std::int64_t(loop[0]), loop[1], loop[2], int(loop[3])};
}

void write_sample(const std::string& path, const AudioBuffer& audio) {
  WriteOptions options;
  options.rate = audio.rate;
  const auto writer = open_writer(path, options);
  writer->write(audio);
  writer->finish();
}

/// Appends to log.csv: a row a report, columns fixed by the first.
class Log {
 public:
  explicit Log(const std::string& path) : out_(path, std::ios::app), empty_(fs::file_size(path) == 0) {}
  void row(std::int64_t step, double seconds, const std::map<std::string, double>& values) {
    if (empty_) {
      out_ << "step,seconds";
      for (const auto& [name, value] : values) out_ << ',' << name;
      out_ << '\n';
      empty_ = false;
    }
    out_ << step << ',' << fmt::format("{:.1f}", seconds);
    for (const auto& [name, value] : values) out_ << ',' << fmt::format("{:.5g}", value);
    out_ << std::endl;
  }

 private:
  std::ofstream out_;
  bool empty_;
};

}  // namespace

double rate_scale(std::int64_t step, double progress) {
  const double warm_up = std::min(1.0, double(step + 1) / 100);
  return warm_up * (0.02 + 0.98 * 0.5 * (1 + std::cos(std::numbers::pi * std::min(progress, 1.0))));
}

int adversarial_phase(double progress, double from) {
  if (progress < from) return 0;
  return progress < 1 - (1 - from) / 3 ? 1 : 2;
}

double adversarial_ramp(double progress, double from) { return std::clamp((progress - from) / 0.05, 0.0, 1.0); }

void check_origin(const LoopOptions& options) {
  const std::string path = checkpoint_path(options);
  if (!options.resume || !fs::exists(path)) return;
  const auto found = nn::Safetensors(path).metadata();
  std::vector<std::string> other;
  for (const auto& [what, value] : options.origin)
    if (const auto it = found.find(what); it == found.end() || it->second != value) other.push_back(what);
  if (!other.empty())
    fail(ErrorCode::usage, "{} is of a run with {} {}; give --no-resume to start over, or another --work-dir to keep it.", path,
         found.empty() ? "unknown" : "other", fmt::join(other, ", "));
}

LoopResult run_training(Task& task, const LoopOptions& options, const ProgressFn& on_progress, const CancelToken& cancel) {
  const fs::path dir(options.work_dir);
  make_folder(dir / "samples");
  const std::string best = (dir / "best.safetensors").string();
  State state;
  if (options.resume && fs::exists(checkpoint_path(options))) {
    check_origin(options);
    state = read_checkpoint(checkpoint_path(options), task);
    if (!fs::exists(best)) state.best_loss = std::numeric_limits<double>::infinity();
    log_info("Going on from step {} ({:.1f} minutes trained) in {}.", state.step, state.seconds / 60, options.work_dir);
  } else {
    fs::remove(checkpoint_path(options));  // first: where this run is killed, nobody goes on from the other one
    fs::remove(dir / "log.csv");
    fs::remove(best);
  }
  Log log((dir / "log.csv").string());

  const double before = state.seconds;
  const auto start = Clock::now();
  double next_checkpoint = before + options.checkpoint_minutes * 60, next_report = 0;
  double smoothed = 0;
  std::map<std::string, double> parts;
  const auto progress = [&] {
    const double by_steps = options.steps > 0 ? double(state.step) / double(options.steps) : 0;
    const double by_time = options.minutes > 0 ? state.seconds / (options.minutes * 60) : 0;
    return std::max(by_steps, by_time);
  };
  const auto evaluate = [&] {
    const double held_out = task.held_out_loss();
    if (!std::isfinite(held_out))
      fail(ErrorCode::internal, "The held-out loss is {} at step {}; the last checkpoint in {} is sound.", held_out, state.step,
           options.work_dir);
    if (const int phase = task.phase(progress()); phase != state.phase) {
      state.phase = phase;
      state.best_loss = std::numeric_limits<double>::infinity();
    }
    if (held_out <= state.best_loss) {  // equal where nothing is held out: then the latest
      state.best_loss = held_out;
      nn::save_safetensors(best, task.weights());
    }
    write_checkpoint(options, task, state);
    write_sample((dir / "samples" / fmt::format("{:07}.wav", state.step)).string(), task.render_sample());
    parts["held_out"] = held_out;
    log.row(state.step, state.seconds, parts);
  };

  const std::int64_t first_step = state.step;
  while (progress() < 1) {
    if (cancel.cancelled()) {
      write_checkpoint(options, task, state);
      fail(ErrorCode::cancelled, "Training stopped at step {}; the same command{} goes on from there.", state.step,
           options.resume ? "" : " without --no-resume");
    }
    RandomSource random(options.seed, state.step);
    torch::manual_seed(options.seed * 1000003 + std::uint64_t(state.step));
    parts = task.step(random, progress());
    ++state.step;
    state.seconds = before + seconds_since(start);
    const double loss = parts.at("loss");
    if (!std::isfinite(loss))
      fail(ErrorCode::internal, "The loss is {} at step {}; the last checkpoint in {} is sound.", loss, state.step, options.work_dir);
    smoothed = smoothed == 0 ? loss : 0.98 * smoothed + 0.02 * loss;
    if (state.seconds >= next_checkpoint) {
      evaluate();
      next_checkpoint = before + seconds_since(start) + options.checkpoint_minutes * 60;
    }
    if (on_progress && state.seconds >= next_report) {
      next_report = state.seconds + 0.5;
      const double rate = double(state.step - first_step) / std::max(1e-9, state.seconds - before);
      const double total = double(state.step) / std::max(1e-9, progress());
      on_progress({"train", double(state.step), total, "steps",
                   fmt::format("loss {:.4f}, {:.2f} steps/s, {:.0f} min left", smoothed, rate,
                               std::max(0.0, total - double(state.step)) / rate / 60)});
    }
  }
  if (state.step > first_step || !fs::exists(best)) evaluate();
  return {read_tensors(best), state.best_loss, state.step, state.seconds};
}

}  // namespace voxconv::train
