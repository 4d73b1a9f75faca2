#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "worker/picture.h"

namespace webwrap {

/// What a share video shows.
struct VideoScene {
  int width = 1080, height = 1920;
  std::string title, voice;  ///< texts of their writers': shown as they are, whatever is in them
  std::string label;         ///< that the vocal is AI-converted
  std::string footer;
  std::optional<Pixels> cover;  ///< a square
  std::vector<double> levels;   ///< 0..1, of the sound, levels_per_s a second
  double seconds = 0;

  static constexpr double levels_per_s = 12;
};

/// Draws the pictures of a share video: the cover, the title, the label, and a waveform that moves past the place that is heard.
class VideoPainter {
 public:
  explicit VideoPainter(VideoScene);
  ~VideoPainter();

  /// Draws the picture at a time; valid until the next call.
  const std::uint8_t* picture_at(double seconds);
  std::size_t stride() const;

 private:
  struct Canvas;
  std::unique_ptr<Canvas> canvas_;
};

}  // namespace webwrap
