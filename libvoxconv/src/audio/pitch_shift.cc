#include "audio/pitch_shift.h"

#include <dlfcn.h>

#include <algorithm>
#include <cfenv>
#include <cmath>
#include <new>
#include <type_traits>

#include "audio/samples.h"
#include "core/fail.h"

namespace voxconv {
namespace {

constexpr std::size_t fed_frames = 1024;  // at once, whatever the pieces
constexpr int sequence_ms = 60, seek_ms = 25, overlap_ms = 20;

/// SoundTouch's functions for programs in C. The library is opened when it is needed instead of linked: Debian's is built with fast
/// mathematics, and so makes the thread that opens it flush denormals, which for a linked one is the main thread and all it starts. Here
/// the thread's floating-point environment is put back.
class SoundTouchLibrary {
 public:
  /// Throws Error(not_found).
  static const SoundTouchLibrary& get() {
    static const SoundTouchLibrary library;
    return library;
  }

  // Of SoundTouchDLL.h, whose macros for Windows we do without.
  enum Setting { sequence = 3, seek_window = 4, overlap = 5 };  // in ms
  void* (*create)();
  void (*destroy)(void* stretcher);
  int (*set_channels)(void* stretcher, unsigned channels);
  int (*set_rate)(void* stretcher, unsigned rate);
  void (*set_tempo)(void* stretcher, float tempo);
  int (*set)(void* stretcher, int setting, int value);
  int (*put)(void* stretcher, const float* interleaved, unsigned frames);
  unsigned (*receive)(void* stretcher, float* interleaved, unsigned most_frames);
  unsigned (*ready)(void* stretcher);

 private:
  SoundTouchLibrary() {
    std::fenv_t before;
    std::fegetenv(&before);
    void* library = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
    std::fesetenv(&before);
    if (!library)
      fail(ErrorCode::not_found,
           "Music is shifted to another key by SoundTouch, which cannot be loaded ({}): install the package libsoundtouch1, or keep the "
           "key with whole octaves.",
           ::dlerror());
    const auto find = [&](auto& function, const char* symbol) {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, symbol));
      if (!function)
        fail(ErrorCode::not_found, "{} has no function {}: another version of SoundTouch is needed, 2.1 or newer.", name, symbol);
    };
    find(create, "soundtouch_createInstance");
    find(destroy, "soundtouch_destroyInstance");
    find(set_channels, "soundtouch_setChannels");
    find(set_rate, "soundtouch_setSampleRate");
    find(set_tempo, "soundtouch_setTempo");
    find(set, "soundtouch_setSetting");
    find(put, "soundtouch_putSamples");
    find(receive, "soundtouch_receiveSamples");
    find(ready, "soundtouch_numSamples");
  }

  static constexpr const char* name = "libSoundTouchDll.so.1";
};

/// By how much the result is late at these settings (negative: early), in seconds, on average over onsets: a sequence keeps the times
/// within it, while the time of what it is taken from runs faster or slower. Fitted to within 0.4 ms to what was measured in 14 keys.
double mean_delay_s(double semitones) { return -2.38e-3 * semitones - 0.132e-3 * semitones * semitones; }

}  // namespace

void require_pitch_shift() { SoundTouchLibrary::get(); }

PitchShift::PitchShift(int channels, int rate, double semitones)
    : channels_(std::size_t(channels)),
      rate_(rate),
      taken_rate_(int(std::lround(rate * std::exp2(semitones / 12)))),
      resampler_(channels, taken_rate_, rate, ResamplerQuality::medium),
      stretcher_(SoundTouchLibrary::get().create()) {
  if (!stretcher_) throw std::bad_alloc();
  const SoundTouchLibrary& library = SoundTouchLibrary::get();
  library.set_channels(stretcher_, unsigned(channels));
  library.set_rate(stretcher_, unsigned(rate));
  library.set(stretcher_, SoundTouchLibrary::sequence, sequence_ms);
  library.set(stretcher_, SoundTouchLibrary::seek_window, seek_ms);
  library.set(stretcher_, SoundTouchLibrary::overlap, overlap_ms);
  library.set_tempo(stretcher_, float(double(rate) / taken_rate_));
  const std::int64_t late = std::llround(mean_delay_s(semitones) * rate);
  drop_ = std::size_t(std::max<std::int64_t>(0, late));
  ready_.resize(std::size_t(std::max<std::int64_t>(0, -late)) * channels_);
}

PitchShift::~PitchShift() { SoundTouchLibrary::get().destroy(stretcher_); }

/// Gives SoundTouch whole pieces and takes what it has made.
void PitchShift::feed(const AudioBuffer& higher) {
  const SoundTouchLibrary& library = SoundTouchLibrary::get();
  std::vector<float> interleaved;
  interleave(higher, 0, higher.frames(), interleaved);
  waiting_.insert(waiting_.end(), interleaved.begin(), interleaved.end());
  std::size_t from = 0;
  for (; waiting_.size() - from >= fed_frames * channels_; from += fed_frames * channels_)
    library.put(stretcher_, waiting_.data() + from, fed_frames);
  waiting_.erase(waiting_.begin(), waiting_.begin() + std::ptrdiff_t(from));
  if (const std::size_t there = library.ready(stretcher_)) {
    const std::size_t before = ready_.size();
    ready_.resize(before + there * channels_);
    library.receive(stretcher_, ready_.data() + before, unsigned(there));
  }
  const std::size_t late = std::min(drop_, ready_.size() / channels_);
  drop_ -= late;
  ready_.erase(ready_.begin(), ready_.begin() + std::ptrdiff_t(late * channels_));
}

AudioBuffer PitchShift::take(std::size_t frames) {
  AudioBuffer out(rate_, channels_, frames);
  deinterleave(ready_.data(), frames, out);
  ready_.erase(ready_.begin(), ready_.begin() + std::ptrdiff_t(frames * channels_));
  frames_left_ -= frames;
  return out;
}

AudioBuffer PitchShift::push(const AudioBuffer& audio) {
  AudioBuffer taken = audio;
  taken.rate = taken_rate_;
  frames_left_ += audio.frames();
  feed(resampler_.push(taken));
  return take(std::min(frames_left_, ready_.size() / channels_));
}

AudioBuffer PitchShift::finish() {
  feed(resampler_.finish());
  const AudioBuffer silence(rate_, channels_, fed_frames);
  while (ready_.size() < frames_left_ * channels_) feed(silence);
  return take(frames_left_);
}

}  // namespace voxconv
