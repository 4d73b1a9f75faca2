#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>

#include "audio/resampler.h"
#include "core/paths.h"
#include "features/frames.h"
#include "features/loudness.h"
#include "models/native/config.h"
#include "models/native/envelope.h"
#include "nn/module.h"
#include "train/learner.h"
#include "train/losses.h"
#include "train/native/acoustic_task.h"
#include "train/native/corpus.h"
#include "train/native/perturbation.h"
#include "train/native/recordings.h"
#include "train/native/vocoder_task.h"
#include "train/random_source.h"
#include "train/training.h"
#include "voxconv/audio_io.h"
#include "voxconv/error.h"
#include "voxconv/trainer.h"

namespace voxconv::train {
namespace fs = std::filesystem;
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string scratch(const std::string& name) {
  const fs::path dir = fs::path(testing::TempDir()) / ("voxconv_train_" + name);
  fs::remove_all(dir);
  fs::create_directories(dir);
  return dir.string();
}

/// What a call fails with; empty: it does not.
template <typename Call>
std::string failure(Call call) {
  try {
    call();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

/// A recording of a 200 Hz tone that sounds where `sounds` (of the time in seconds) says.
template <typename Sounds>
void write_tone(const std::string& path, double seconds, Sounds sounds) {
  const int rate = native::sample_rate;
  AudioBuffer audio(rate, 2, std::size_t(seconds * rate));
  for (std::size_t i = 0; i < audio.frames(); ++i) {
    const double t = double(i) / rate;
    audio.channels[0][i] = audio.channels[1][i] = sounds(t) ? float(0.3 * std::sin(2 * M_PI * 200 * t)) : 0;
  }
  WriteOptions write;
  write.rate = rate;
  write.channels = 2;
  const auto writer = open_writer(path, write);
  writer->write(audio);
  writer->finish();
}

TEST(RandomSource, NoTwoStepsShareADraw) {
  for (const std::uint64_t seed : {0, 1}) {
    std::set<double> draws;
    for (std::int64_t step = 0; step <= 8; ++step) {
      RandomSource random(seed, step);
      for (int i = 0; i < 100; ++i) draws.insert(random.uniform());
    }
    EXPECT_EQ(draws.size(), 900u) << "seed " << seed;
  }
}

SpeakerData speaker(std::int64_t clips, std::int64_t frames_each) {
  SpeakerData data;
  data.name = "test";
  for (std::int64_t c = 0; c <= clips; ++c) data.bounds.push_back(c * frames_each);
  return data;
}

TEST(Corpus, DrawsWithinTrainingClipsOnly) {
  const Corpus corpus({speaker(40, 300), speaker(3, 300)}, 1);
  RandomSource random(1, 2);
  for (int i = 0; i < 2000; ++i) {
    const Crop crop = corpus.draw(random, 200);
    EXPECT_EQ(crop.frame % 2, 0);
    EXPECT_GE(crop.frame, crop.speaker->bounds[std::size_t(crop.clip)]);
    EXPECT_LE(crop.frame + 200, crop.speaker->bounds[std::size_t(crop.clip) + 1]);
    if (crop.speaker->clips() == 40) {
      EXPECT_NE(crop.clip % 20, 10);
    }
  }
  for (const Crop& crop : corpus.held_out(200, 10)) EXPECT_EQ(crop.clip % 20, 10);
  EXPECT_EQ(corpus.held_out(200, 10).size(), 2u);
}

TEST(Corpus, HoldsOutOfFewClipsToo) {
  const Corpus corpus({speaker(12, 300)}, 1);
  const auto held_out = corpus.held_out(200, 10);
  ASSERT_EQ(held_out.size(), 2u);
  std::set<std::int64_t> clips;
  for (const Crop& crop : held_out) clips.insert(crop.clip);
  RandomSource random(1, 2);
  for (int i = 0; i < 500; ++i) EXPECT_EQ(clips.count(corpus.draw(random, 200).clip), 0u);
}

TEST(Corpus, DrawsLongSpeakersAsOftenAsTold) {
  const std::vector<SpeakerData> speakers = {speaker(10, 900), speaker(10, 300)};
  for (const auto& [power, share] : {std::pair{1.0, 0.75}, {0.0, 0.5}}) {
    const Corpus corpus(speakers, power);
    RandomSource random(3, 4);
    int first = 0;
    for (int i = 0; i < 4000; ++i) first += corpus.draw(random, 200).speaker == &corpus.speakers()[0];
    EXPECT_NEAR(first / 4000.0, share, 0.03);
  }
}

TEST(Corpus, SaysWhenNothingIsLongEnough) {
  const Corpus corpus({speaker(5, 100)}, 1);
  RandomSource random(1, 1);
  EXPECT_THROW(corpus.draw(random, 200), Error);
}

// A voice without any breath, whose glottal pulses lie anywhere and whose pitch is known to a few cents: noise must not bring a rendering
// nearer to it, as it does where both renderings have the same pulses.
TEST(VocoderTask, DoesNotTakeAnUnknownPhaseForNoise) {
  torch::manual_seed(3);
  RandomSource random(3, 0);
  const torch::Tensor f0 = torch::tensor({110.f, 150.f, 200.f, 260.f, 330.f, 420.f}).unsqueeze(1).expand({6, 60}).contiguous();
  const torch::Tensor recorded = render_pulses_twice(f0, random).first.chunk(2)[0];
  const torch::Tensor pulses = render_pulses_twice(f0, random).first;
  const auto distance = [&](double noise) {
    const torch::Tensor rendered = pulses + noise * white_noise(pulses.size(0), pulses.size(1));
    return spectral_energy_distance(rendered, recorded, {128, 256, 512, 1200, 2048}).item<float>();
  };
  EXPECT_LT(distance(0.01), distance(0.1));
  EXPECT_LT(distance(0.1), distance(0.3));
}

TEST(SpectralEnergyDistance, IsLeastForNoiseOfTheTargetsLevel) {
  torch::manual_seed(1);
  const auto noise = [](double level) { return level * torch::randn({4, 16000}); };
  const torch::Tensor target = noise(0.1);
  const auto at = [&](double level) {
    return spectral_energy_distance(torch::cat({noise(level), noise(level)}), target, {256, 1200}).item<float>();
  };
  // A distance to the one target would be less for noise that is too weak: another draw never matches.
  EXPECT_LT(at(0.1), at(0.06));
  EXPECT_LT(at(0.1), at(0.16));
  EXPECT_NEAR(spectral_energy_distance(torch::cat({target, target}), target, {256}).item<float>(), 0, 2e-3);
}

// Bursts of noise that decay, and their reverse at places that are equally likely: in a window that holds a whole burst both have one
// spectrum, and a level of 3 ms alone is distributed alike, too.
TEST(BandLevelDistance, TellsASharpOnsetFromASlowOne) {
  torch::manual_seed(1);
  const torch::Tensor decay = torch::exp(-torch::arange(441, torch::kFloat) / 60).repeat({8}).unsqueeze(0);
  const auto bursts = [&](const torch::Tensor& shape) {
    std::vector<torch::Tensor> rows;
    for (int i = 0; i < 400; ++i) rows.push_back(shape.roll(torch::randint(441, {1}).item<std::int64_t>(), 1));
    return 0.1 * torch::cat(rows) * torch::randn({400, shape.size(1)});
  };
  const torch::Tensor recorded = bursts(decay);
  const auto both = [&](const torch::Tensor& shape) { return torch::cat({bursts(shape), bursts(shape)}); };
  const torch::Tensor right = both(decay), reversed = both(decay.flip(1));
  EXPECT_NEAR(spectral_energy_distance(reversed, recorded, {2048}).item<float>(),
              spectral_energy_distance(right, recorded, {2048}).item<float>(), 0.01);
  EXPECT_LT(band_level_distance(right, recorded).item<float>(), band_level_distance(reversed, recorded).item<float>() - 0.02);
}

TEST(RankedProbabilityScore, IsLeastForDrawsThatSpreadAsTheTargetDoes) {
  torch::manual_seed(1);
  const auto draws = [](double spread) { return spread * torch::randn({100000}); };
  const torch::Tensor target = draws(1);
  const auto at = [&](double spread) { return ranked_probability_score(draws(spread), draws(spread), target).mean().item<float>(); };
  EXPECT_LT(at(1), at(0) - 0.02);
  EXPECT_LT(at(1), at(0.7));
  EXPECT_LT(at(1), at(1.4));
}

TEST(UpperBand, FollowsTheHighestPointThatRecordingsTeach) {
  torch::manual_seed(1);
  torch::Tensor weight = torch::randn({native::envelope_bins, 8}), bias = torch::randn({native::envelope_bins});
  const torch::Tensor before = weight.clone();
  const auto centres = native::envelope_centres();
  extrapolate_upper_band(weight, bias, centres[70].item<double>() - 1);
  EXPECT_TRUE(torch::equal(weight.slice(0, 0, 70), before.slice(0, 0, 70)));
  for (std::int64_t k = 70; k < native::envelope_bins; ++k) {
    EXPECT_TRUE(torch::equal(weight[k], weight[69])) << k;
    EXPECT_LT(bias[k].item<float>(), bias[k - 1].item<float>()) << k;
  }
}

/// Learns the mean of random numbers; small enough to train in a test.
class MeanTask : public Task {
 public:
  MeanTask() : learner_("mean", model_.ptr(), 1e-2, true) {
    torch::NoGradGuard no_grad;
    model_->weight.fill_(0);
    model_->bias.fill_(0);
  }
  std::map<std::string, double> step(RandomSource& random, double) override {
    if (cancel_at > 0 && ++steps == cancel_at) token.cancel();
    const torch::Tensor x = torch::full({4, 1}, random.uniform()) + 0.1 * torch::randn({4, 1});
    const torch::Tensor loss = (model_(x) - 2 * x - 1).square().mean();
    learner_.step(loss, 1);
    return {{"loss", loss.item<double>()}};
  }
  double held_out_loss() override { return 0.5; }
  int phase(double) const override { return 0; }
  std::map<std::string, torch::Tensor> weights() override {
    return {{"weight", model_->weight.detach().clone()}, {"bias", model_->bias.detach().clone()}};
  }
  void save(std::map<std::string, torch::Tensor>& checkpoint) const override { learner_.save(checkpoint); }
  void load(const std::map<std::string, torch::Tensor>& checkpoint) override { learner_.load(checkpoint); }
  AudioBuffer render_sample() override { return AudioBuffer(44100, 1, 100); }
  int cancel_at = 0, steps = 0;
  CancelToken token;

 private:
  torch::nn::Linear model_{1, 1};
  Learner learner_;
};

LoopOptions options(const std::string& dir, std::int64_t steps) {
  LoopOptions loop;
  loop.work_dir = dir;
  loop.steps = steps;
  loop.seed = 5;
  return loop;
}

TEST(Training, GoesOnFromACheckpointAsIfItHadNeverStopped) {
  MeanTask whole;
  const LoopResult expected = run_training(whole, options(scratch("whole"), 60), {}, {});

  const std::string dir = scratch("stopped");
  MeanTask first;
  first.cancel_at = 25;
  try {
    run_training(first, options(dir, 60), {}, first.token);
    FAIL() << "was not cancelled";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::cancelled);
  }
  MeanTask second;
  const LoopResult resumed = run_training(second, options(dir, 60), {}, {});
  EXPECT_EQ(resumed.steps, 60);
  EXPECT_TRUE(torch::equal(resumed.best.at("weight"), expected.best.at("weight")));
  EXPECT_TRUE(torch::equal(resumed.best.at("bias"), expected.best.at("bias")));
}

TEST(Training, GoesOnFromItsOwnCheckpointsOnly) {
  LoopOptions loop = options(scratch("origin"), 5);
  const auto train = [&] {
    MeanTask task;
    run_training(task, loop, {}, {});
  };
  train();
  loop.origin = {{"recordings", "a"}, {"stage", "voice"}};
  EXPECT_THAT(failure(train), AllOf(HasSubstr("unknown recordings, stage;"), HasSubstr("--no-resume"), HasSubstr("--work-dir")));
  loop.resume = false;
  EXPECT_EQ(failure(train), "");
  loop.resume = true;
  EXPECT_EQ(failure(train), "");
  loop.origin["recordings"] = "b";
  EXPECT_THAT(failure(train), HasSubstr("other recordings;"));
}

TEST(Training, StartsAfreshWithoutTheBestWeightsOfBefore) {
  LoopOptions loop = options(scratch("afresh"), 30);
  MeanTask before;
  run_training(before, loop, {}, {});
  MeanTask stopped;
  stopped.cancel_at = 5;
  loop.resume = false;
  EXPECT_NE(failure([&] { run_training(stopped, loop, {}, stopped.token); }), "");
  MeanTask ended;
  loop.resume = true;
  loop.steps = 5;
  EXPECT_TRUE(torch::equal(run_training(ended, loop, {}, {}).best.at("weight"), stopped.weights().at("weight")));
}

TEST(Training, DoesNotGoOnWithWhatAFreshStartHasDropped) {
  LoopOptions loop = options(scratch("dropped"), 30);
  MeanTask before;
  run_training(before, loop, {}, {});
  loop.resume = false;
  MeanTask killed;
  EXPECT_THROW(run_training(killed, loop, [](const Progress&) { throw std::runtime_error("killed"); }, {}), std::runtime_error);
  loop.resume = true;
  loop.steps = 5;
  MeanTask again;
  EXPECT_EQ(run_training(again, loop, {}, {}).steps, 5) << "not the 30 of the run that was dropped";
}

TEST(Training, MakesTheBestWeightsAgainWhereTheyAreMissing) {
  LoopOptions loop = options(scratch("missing"), 5);
  MeanTask before;
  run_training(before, loop, {}, {});
  fs::remove(fs::path(loop.work_dir) / "best.safetensors");
  loop.steps = 6;
  MeanTask again;
  EXPECT_FALSE(run_training(again, loop, {}, {}).best.empty());
}

TEST(Training, SaysHowACancelledRunGoesOn) {
  LoopOptions loop = options(scratch("cancelled"), 60);
  const auto cancelled = [&] {
    MeanTask task;
    task.cancel_at = 5;
    run_training(task, loop, {}, task.token);
  };
  EXPECT_THAT(failure(cancelled), HasSubstr("step 5; the same command goes on"));
  loop.resume = false;
  EXPECT_THAT(failure(cancelled), HasSubstr("step 5; the same command without --no-resume goes on"));
}

TEST(Training, WritesALogAndASample) {
  const std::string dir = scratch("log");
  MeanTask task;
  run_training(task, options(dir, 5), {}, {});
  std::ifstream log(dir + "/log.csv");
  std::string header, row;
  std::getline(log, header);
  std::getline(log, row);
  EXPECT_EQ(header, "step,seconds,held_out,loss");
  EXPECT_EQ(row.substr(0, 2), "5,");
  EXPECT_TRUE(fs::exists(dir + "/samples/0000005.wav"));
}

TEST(Learner, AveragesItsWeights) {
  torch::nn::Linear model(1, 1);
  {
    torch::NoGradGuard no_grad;
    model->weight.fill_(2);  // far from the optimum: every step goes the same way
    model->bias.fill_(1);
  }
  Learner learner("x", model.ptr(), 0.1, true);
  const float before = model->weight.item<float>();
  for (int i = 0; i < 5; ++i) learner.step(model(torch::ones({1, 1})).square().mean(), 1);
  const float trained = model->weight.item<float>();
  {
    const AveragedWeights averaged(learner);
    const float average = model->weight.item<float>();
    EXPECT_GT(std::abs(average - trained), 0);
    EXPECT_LT(std::abs(average - before), std::abs(trained - before));
  }
  EXPECT_EQ(model->weight.item<float>(), trained);
}

TEST(LoadClips, CutsAtPausesAndDropsSilence) {
  const int rate = native::sample_rate;
  const std::string path = scratch("clips") + "/a.wav";
  write_tone(path, 12, [](double t) { return (t > 1 && t < 4) || (t > 6 && t < 6.4) || (t > 8 && t < 11.5); });
  double seconds = 0;
  for (const torch::Tensor& clip : load_clips(path)) {
    EXPECT_EQ(clip.size(0) % (2 * native::hop), 0);
    EXPECT_LE(clip.size(0), 10 * rate);
    EXPECT_GE(clip.size(0), rate);
    seconds += double(clip.size(0)) / rate;
  }
  EXPECT_GT(seconds, 6.4);
  EXPECT_LT(seconds, 11.0);
  EXPECT_DOUBLE_EQ(usable_seconds(path), seconds);
}

TEST(LoadClips, FindsNothingToUseInSilence) {
  const std::string path = scratch("silent") + "/a.wav";
  write_tone(path, 3, [](double) { return false; });
  EXPECT_EQ(usable_seconds(path), 0);
  EXPECT_THROW(usable_seconds("no such file"), Error);
}

TEST(LoadClips, ReadsTheBeginningOfALongRecording) {
  const std::string path = scratch("long") + "/a.wav";
  write_tone(path, 12, [](double) { return true; });
  const auto clips = load_clips(path, nullptr, 5);
  ASSERT_EQ(clips.size(), 1u);
  EXPECT_EQ(clips[0].size(0), 5 * native::sample_rate);
}

TEST(FindRecordings, LeavesOutWhatLiesBelowAFolderOfItsOwn) {
  const fs::path dir = scratch("found");
  for (const char* folder : {"a", "a.train", "own/run"}) fs::create_directories(dir / folder);
  for (const char* file : {"a/1.wav", "a.train/2.wav", "own/3.wav", "own/run/4.wav"}) std::ofstream(dir / file) << "sound";
  const auto found = find_recordings(dir.string(), {(dir / "a.train").string(), (dir / "own/../own/run/").string()});
  EXPECT_THAT(found, ElementsAre((dir / "a/1.wav").string(), (dir / "own/3.wav").string()));
  // Who names the folder itself means it.
  EXPECT_EQ(find_recordings((dir / "own").string(), {dir.string(), (dir / "own").string()}).size(), 2u);
}

class NoPitch : public F0Estimator {
 public:
  F0Frames estimate(const torch::Tensor& audio) const override {
    const torch::Tensor zeros = torch::zeros({frame_count(audio.size(0))});
    return {zeros, zeros};
  }
  double context_s() const override { return 0; }
};

TEST(PrepareSpeaker, TakesNoMoreOfARecordingThanTold) {
  const std::string dir = scratch("max_minutes"), path = dir + "/a.wav";
  write_tone(path, 12, [](double t) { return std::fmod(t, 4) < 3; });
  FeatureTools tools;
  tools.f0 = std::make_shared<NoPitch>();
  tools.plan = plan_song(tools.f0.get(), torch::kCPU);
  tools.speaker = std::make_shared<SpeakerEncoder>();
  const auto clips = [&](double max_minutes) { return prepare_speaker("test", {path}, tools, dir, max_minutes, {}, {}).clips(); };
  EXPECT_EQ(clips(60), 2);
  EXPECT_EQ(clips(0.05), 1);
}

/// The level of each frame in all channels, in dB.
class LevelEncoder : public ContentEncoder {
 public:
  std::int64_t dim() const override { return native::content_dim; }
  torch::Tensor encode(const torch::Tensor& audio) const override {
    const torch::Tensor frames = audio.slice(0, 0, audio.size(0) / feature_hop * feature_hop).reshape({-1, feature_hop});
    return (10 * torch::log10(frames.square().mean(1, true) + 1e-10)).expand({-1, dim()}).contiguous();
  }
};

// A tone between pauses: in a room they are not silent.
TEST(PrepareSpeaker, ContentIsAlsoThatOfANoisyRoom) {
  const std::string dir = scratch("room"), path = dir + "/a.wav";
  write_tone(path, 5, [](double t) { return std::fmod(t, 4) < 3; });
  FeatureTools tools;
  tools.content = std::make_shared<LevelEncoder>();
  tools.f0 = std::make_shared<NoPitch>();
  tools.plan = plan_song(tools.f0.get(), torch::kCPU);
  tools.speaker = std::make_shared<SpeakerEncoder>();
  const torch::Tensor content = prepare_speaker("test", {path}, tools, dir, 60, {}, {}).content.to(torch::kFloat);
  ASSERT_EQ(content.size(0), content_variants);
  for (const std::int64_t variant : {0, 1, 2})
    EXPECT_GT(content[3].min().item<float>(), content[variant].min().item<float>() + 15) << variant;
}

/// What voxconv train --denoise does to recordings, before anything is taken from them.
TEST(PrepareSpeaker, DenoisesWhereAsked) {
  const std::string dir = scratch("noisy"), path = dir + "/a.wav";
  AudioBuffer speech = read_all(*open_reader(VOXCONV_TEST_DATA "/speech.flac"));
  std::mt19937 random(1);
  std::normal_distribution<float> noise(0, 0.01F);
  for (float& x : speech.channels[0]) x += noise(random);
  WriteOptions format;
  format.rate = speech.rate;
  const auto writer = open_writer(path, format);
  writer->write(speech);
  writer->finish();
  const auto quiet_tenth = [&](std::shared_ptr<const Denoiser> denoiser) {
    FeatureTools tools;
    tools.f0 = std::make_shared<NoPitch>();
    tools.plan = plan_song(tools.f0.get(), torch::kCPU);
    tools.speaker = std::make_shared<SpeakerEncoder>();
    tools.denoiser = std::move(denoiser);
    const torch::Tensor loudness = prepare_speaker("test", {path}, tools, dir, 60, {}, {}).loudness;
    return loudness.quantile(0.1).item<float>() * 20 / std::log(10.F);  // of the logarithm in dB
  };
  EXPECT_LT(quiet_tenth(std::make_shared<const Denoiser>(torch::kCPU)), quiet_tenth(nullptr) - 6);
}

/// A speaker with random features of every kind.
SpeakerData random_speaker(std::int64_t clips, std::int64_t frames_each) {
  SpeakerData data = speaker(clips, frames_each);
  torch::manual_seed(2);
  const std::int64_t frames = data.frames();
  data.f0 = torch::full({frames}, 200.f);
  data.loudness = torch::full({frames}, -3.f);
  data.envelope = (torch::randn({frames, native::envelope_bins}) - 3).to(torch::kHalf);
  data.content = torch::randn({content_variants, frames / 2, native::content_dim}).to(torch::kHalf);
  data.embeddings = torch::ones({clips, native::speaker_dim}) / 16;
  data.band_hz = 22050;
  return data;
}

TEST(AcousticTask, TrainsADifferenceAndGoesOnWithIt) {
  const Corpus corpus({random_speaker(20, 250)}, 1);
  native::AcousticModel model;
  const auto start = nn::named_tensors(*model);
  std::map<std::string, torch::Tensor> copies;
  for (const auto& [name, tensor] : start) copies[name] = tensor.clone();
  AcousticTaskOptions options;
  options.as_difference = options.keep_upper_band = true;
  options.adversarial_from = 1;
  AcousticTask task(corpus, model, native::Vocoder(), torch::kCPU, options);
  const double before = task.held_out_loss();
  for (std::int64_t step = 0; step < 30; ++step) {
    RandomSource random(0, step);
    task.step(random, 0);
  }
  EXPECT_LT(task.held_out_loss(), before);
  for (const auto& [name, tensor] : task.weights()) EXPECT_TRUE(name.starts_with(native::difference_prefix)) << name;

  std::map<std::string, torch::Tensor> checkpoint;
  task.save(checkpoint);
  native::AcousticModel other;
  nn::load_parameters(*other, copies, "the start");
  AcousticTask resumed(corpus, other, native::Vocoder(), torch::kCPU, options);
  resumed.load(checkpoint);
  EXPECT_NEAR(resumed.held_out_loss(), task.held_out_loss(), 1e-5);
}

// Below the noise floor no distance is asked for, so what is left of the gradient is that of the words.
TEST(AcousticTask, LearnsFromTheWords) {
  SpeakerData data = random_speaker(20, 250);
  data.loudness -= 27;
  data.envelope = (data.envelope.to(torch::kFloat) - 30).to(torch::kHalf);
  const Corpus corpus({data}, 1);
  AcousticTaskOptions options;
  options.adversarial_from = 1;
  native::AcousticModel model;
  AcousticTask task(corpus, model, native::Vocoder(), torch::kCPU, options);
  RandomSource random(0, 0);
  EXPECT_EQ(task.step(random, 0).at("discriminator"), 0);
  EXPECT_GT(model->named_parameters()["output.weight"].grad().norm().item<double>(), 0);
}

// Discriminator and content reader are part of the checkpoint: what is resumed does the very step that would have come.
TEST(AcousticTask, GoesOnWithItsDiscriminatorAndReader) {
  const Corpus corpus({random_speaker(20, 250), random_speaker(20, 250)}, 1);
  AcousticTaskOptions options;
  options.adversarial_from = 0;
  const auto step = [](AcousticTask& task, std::int64_t number) {
    torch::manual_seed(std::uint64_t(number));
    RandomSource random(0, number);
    return task.step(random, 0.5);
  };
  AcousticTask task(corpus, native::AcousticModel(), native::Vocoder(), torch::kCPU, options);
  const auto first = step(task, 0);
  for (std::int64_t number = 1; number < 8; ++number) step(task, number);
  std::map<std::string, torch::Tensor> checkpoint;
  task.save(checkpoint);
  for (auto& [name, tensor] : checkpoint) tensor = tensor.clone();
  AcousticTask resumed(corpus, native::AcousticModel(), native::Vocoder(), torch::kCPU, options);
  resumed.load(checkpoint);
  const auto next = step(task, 8), again = step(resumed, 8);
  for (const auto& [name, value] : next) EXPECT_NEAR(again.at(name), value, 1e-4 * std::abs(value)) << name;
  for (const char* name : {"loss", "words", "reader", "adversarial", "discriminator"}) EXPECT_GT(next.at(name), 0) << name;
  EXPECT_LT(next.at("reader"), first.at("reader"));
}

// Behind the voice a room has a tail that dies away, and a noise that stays: 5 to 35 dB below it.
TEST(Perturbation, ARoomHasATailAndANoise) {
  torch::manual_seed(1);
  const std::int64_t second = feature_rate;
  const torch::Tensor audio = torch::cat({torch::randn(second), torch::zeros(second)});
  const auto db = [](const torch::Tensor& x) { return 10 * std::log10(x.square().mean().item<double>()); };
  double quietest = 0, loudest = -100, longest = 0;
  for (std::uint64_t key = 0; key < 12; ++key) {
    const torch::Tensor heard = in_noisy_room(audio, key);
    ASSERT_TRUE(torch::equal(heard, in_noisy_room(audio, key)));
    const double floor = db(heard.slice(0, 2 * second - second / 10)) - db(audio);
    quietest = std::min(quietest, floor);
    loudest = std::max(loudest, floor);
    longest = std::max(longest, db(heard.slice(0, second, second + second / 20)) - db(audio) - floor);
  }
  EXPECT_GT(quietest, -38);
  EXPECT_LT(quietest, -20);
  EXPECT_GT(loudest, -15);
  EXPECT_LT(loudest, -3);
  EXPECT_GT(longest, 8);  // dB that the tail begins above the noise
}

TEST(TrainOptions, NamesItsProblems) {
  TrainOptions train;
  train.name = "Not A Name";
  const auto problems = train.problems();
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_NE(problems[0].find("--data"), std::string::npos);
  EXPECT_NE(problems[1].find("Not A Name"), std::string::npos);
}

TEST(TrainVoice, LeavesNothingBehindWhenThereIsNoData) {
  const fs::path dir = scratch("no_data");
  TrainOptions train;
  train.name = "nobody";
  train.data = {(dir / "missing").string()};
  train.out_dir = (dir / "voice").string();
  EXPECT_THROW(train_voice(train), Error);
  EXPECT_TRUE(fs::is_empty(dir));
}

/// A training of one step of the shipped kathleen, who is an embedding and sings with the base. Its folders lie among the recordings.
TrainOptions one_step(const std::string& dir) {
  write_tone(dir + "/a.wav", 3, [](double) { return true; });
  TrainOptions train;
  train.name = "short";
  train.data = {dir};
  train.out_dir = dir + "/short";
  train.from = models_dir() + "/voices/kathleen";
  train.steps = 1;
  return train;
}

TEST(TrainVoice, LooksForItsStartBeforeItPrepares) {
  TrainOptions train = one_step(scratch("from"));
  train.from = "no-such-voice";
  EXPECT_THAT(failure([&] { train_voice(train); }), HasSubstr("no-such-voice"));
  EXPECT_FALSE(fs::exists(train.out_dir + ".train"));
}

TEST(TrainVoice, GoesOnWithTheSameRecordingsStartAndSeedOnly) {
  const std::string dir = scratch("same");
  const TrainOptions train = one_step(dir);
  EXPECT_EQ(train_voice(train).steps, 1);
  ASSERT_TRUE(fs::exists(dir + "/short.train/run/samples/0000001.wav"));
  EXPECT_EQ(train_voice(train).steps, 1);  // the sample is no recording

  TrainOptions other = train;
  other.seed = 1;
  EXPECT_THAT(failure([&] { train_voice(other); }), HasSubstr("other seed;"));
  other = train;
  other.from = train.out_dir;  // which has weights of its own now
  EXPECT_THAT(failure([&] { train_voice(other); }), HasSubstr("other starting weights;"));
  fs::copy_file(dir + "/a.wav", dir + "/b.wav");
  EXPECT_THAT(failure([&] { train_voice(train); }), HasSubstr("other recordings;"));
}

TEST(TrainVoice, SaysThatItWasStoppedWhilePreparing) {
  const TrainOptions train = one_step(scratch("stopped_early"));
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THAT(failure([&] { train_voice(train, {}, cancel); }), HasSubstr("while the recordings were prepared"));
}

}  // namespace
}  // namespace voxconv::train
