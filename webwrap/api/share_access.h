#pragma once
#include <optional>

#include "api/context.h"
#include "http/message.h"

namespace webwrap {

class JsonBody;

/// Whether a shared song is for subscribers of its singer at this time: exclusive, or early. Feeds and lists leave its audio out.
bool is_for_subscribers(const Share&, Seconds now);

/// What somebody may do with a shared song.
struct Hearing {
  bool locked = false;    ///< it is for subscribers, of whom he is none
  bool download = false;  ///< he may have the file
};
Hearing hearing_of(const Context&, const http::Request&, const Share&);
/// ServiceError(403, "subscribers_only"). Whatever gives a shared song away asks this: audio, waveforms, files.
void require_hearing(const Context&, const http::Request&, const Share&);

/// The fields subscribers_only, opens and subscriber_download of a request.
class AccessChange {
 public:
  explicit AccessChange(JsonBody&);
  void apply(Transaction&, Share&) const;  ///< ServiceError(409, "no_tiers") where nobody can subscribe

 private:
  std::optional<bool> subscribers_only_, subscriber_download_;
  std::optional<Seconds> opens_;
};

}  // namespace webwrap
