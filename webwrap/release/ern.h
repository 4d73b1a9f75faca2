#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "domain/clock.h"
#include "domain/release.h"

namespace webwrap {

/// A file that a release is delivered with.
struct ReleaseFile {
  std::string path;  ///< in the package
  std::int64_t size = 0;
  std::string sha256;
};

struct ReleaseTrack {
  TrackForm form;
  ReleaseFile file;  ///< flac, 44.1 kHz, stereo, 24 bits
  double seconds = 0;
};

/// All that a message tells.
struct ReleaseMessage {
  std::string id;         ///< of the release: the message's and the proprietary ids are made from it
  std::string names_of;   ///< whose the proprietary ids are: the service's host
  std::string sender_id;  ///< DPID of the operator; empty: there is none
  std::string sender_name;
  Seconds time = 0;
  ReleaseForm form;
  std::vector<ReleaseTrack> tracks;
  ReleaseFile cover;
  int cover_side = 3000;
};

/// A NewReleaseMessage of DDEX ERN 4.3.2, profile SimpleAudioSingle of one track, Audio of several. A recording with a converted
/// voice is told to be made in part by AI. No deals: what a distributor may do with it is agreed upon with him.
/// Without the operator's DPID it is a test message that says so.
std::string ern_message(const ReleaseMessage&);

/// The party id in a message whose sender or recipient has none.
inline constexpr char no_party_id[] = "PADPIDAXXXXXXXXXXX";

/// What is wrong with a message by the schema at `xsd_path` (release-notification.xsd; docs/releases.md), one sentence each. Opens nothing
/// but local files. Throws std::runtime_error where the schema cannot be read.
std::vector<std::string> validate_xml(const std::string& xml, const std::string& xsd_path);

}  // namespace webwrap
