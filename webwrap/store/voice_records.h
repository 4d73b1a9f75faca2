#pragma once
#include <array>

#include "store/records.h"

namespace webwrap {

/// A member's own voice, from the first recording to its end. Which step leads where is in store/voice_steps.h. Its recordings are those
/// with Recording::voice.
struct OwnVoice {
  /// draft: recordings are gathered; consent: it was given, and the recordings stay as they are; training: a job makes the voice; from
  /// private_ on there is a voice to hear: for its owner, for who has the link, waiting for an operator, for all; withdrawn: it is gone.
  /// Recordings of which less can be used do not count and are not trained from: they say too little of their speaker to be compared.
  static constexpr double shortest_recording_s = 5;
  enum class State { draft, consent, training, private_, link, review, published, withdrawn };
  Id id;  ///< also the name of its bundle, and what jobs and songs call it
  Id account;
  State state = State::draft;
  std::string title, description;
  std::string language;      ///< BCP 47
  std::string gender;        ///< "female", "male" or empty, as in VoiceInfo
  Id link;                   ///< in the address that lets others use it in state link; empty: none yet
  std::string hidden;        ///< an operator's reason why nobody may use it; empty: it is not hidden
  std::string refusal;       ///< an operator's reason why it was not published the last time; empty: none
  int royalty_permille = 0;  ///< of what others pay for conversions; agreed to with the consent
  std::string bundle;        ///< key of the folder of its bundle; empty: none
  std::string sample;        ///< key of an mp3 to hear it by
  std::string sha256;        ///< of the bundle's weights
  std::string files;         ///< JSON {"<blob key>": {"size", "sha256"}}
  std::int64_t bytes = 0;    ///< of bundle and sample; counts in the quota
  std::string embedding;     ///< JSON of the speaker's embedding, to notice the same voice in another account; empty: not known
  double usable_s = 0;       ///< of the recordings that it was trained from
  double f0_low = 0, f0_median = 0, f0_high = 0;  ///< Hz, as in VoiceInfo
  Seconds created = 0, trained = 0, published = 0, withdrawn = 0;

  bool is_trained() const { return !bundle.empty(); }
  /// Whether its owner may convert with it.
  bool is_open_to_owner() const {
    return hidden.empty() && is_trained() &&
           (state == State::private_ || state == State::link || state == State::review || state == State::published);
  }
  /// Whether others may, by its link or because it is published.
  bool is_open_to_others() const { return is_open_to_owner() && (state == State::link || state == State::published); }
  bool is_open_to(const Id& who) const { return who == account ? is_open_to_owner() : is_open_to_others(); }
};

/// One try to consent: a phrase that the service made up, and what came of its recording. Kept as long as the voice's record, also when the
/// voice is withdrawn: it says why there were songs with it.
struct Consent {
  /// asked: the phrase is to be spoken; checking: its recording is on its way; review: a person must hear it.
  enum class Verdict { asked, checking, review, accepted, refused };
  Id id;
  Id voice, account;
  std::string phrase, language;  ///< what is to be spoken
  Seconds asked = 0, expires = 0;
  Id recording;              ///< what was spoken; empty: nothing yet
  std::string audio_sha256;  ///< of that file: the same one is never taken twice
  std::string transcript;    ///< what the recogniser heard; empty: there is none, or it heard nothing
  double heard = -1;         ///< share of the phrase in it, 0..1; -1: there is no recogniser
  double similarity = -1;    ///< of the speaker to that of the voice's recordings; -1: not measured
  std::string nearest;       ///< of the voices of others the most similar one, by id
  double nearest_similarity = -1;
  Verdict verdict = Verdict::asked;
  std::string reason;      ///< why it was refused, or must be heard by a person: one sentence
  std::string decided_by;  ///< "service" or "operator"
  Seconds decided = 0;
  std::string terms;         ///< what was agreed to, whole
  int royalty_permille = 0;  ///< the rate in them
};

constexpr auto names_of(OwnVoice::State) {
  return std::array{"draft", "consent", "training", "private", "link", "review", "published", "withdrawn"};
}
constexpr auto names_of(Consent::Verdict) { return std::array{"asked", "checking", "review", "accepted", "refused"}; }

}  // namespace webwrap
