#pragma once
#include <string>
#include <vector>

#include "store/store.h"

namespace webwrap {

/// The steps of an own voice from one state to another, each in the caller's transaction. `voice` is as it was found there, and is changed
/// along with its row. A step that does not lead from the voice's state throws ServiceError(409, "wrong_step").
///
///   draft ──► consent ──► training ──► private ◄──► link
///     ▲          │ ▲          │         │ ▲ ▲        │
///     └──────────┘ └──────────┘         ▼ │ └───┐    ▼
///                    no result        review ──► published     and from all of them ──► withdrawn
namespace voice_steps {

bool leads(OwnVoice::State from, OwnVoice::State to);

/// The consent counts; the voice's recordings must stay as they are from here on, since it was compared with them.
void accept_consent(Transaction&, OwnVoice& voice, Consent& consent, const std::string& decided_by, Seconds now);
void refuse_consent(Transaction&, Consent& consent, const std::string& reason, const std::string& decided_by, Seconds now);
/// Tries that are not decided are refused: a consent is to the recordings as they were then.
void end_open_consents(Transaction&, const Id& voice, const std::string& reason, Seconds now);
/// Back to gathering recordings; the consent has to be given again.
void reopen(Transaction&, OwnVoice& voice);

void begin_training(Transaction&, OwnVoice& voice);
/// Its job failed or was cancelled. Nothing happens to a voice that is not being trained (any more).
void end_training(Transaction&, const Id& voice);
/// `made`: with all that the training found out; only its owner may use it so far.
void finish_training(Transaction&, OwnVoice& voice, const OwnVoice& made, Seconds now);

/// Who may use it: private_ (also from published, and to take back a request for a review) or link, which gets a new address each time.
void open_to_owner(Transaction&, OwnVoice& voice);
void open_by_link(Transaction&, OwnVoice& voice);
void ask_for_review(Transaction&, OwnVoice& voice);
void publish(Transaction&, OwnVoice& voice, Seconds now);
void refuse_publication(Transaction&, OwnVoice& voice, const std::string& reason);
/// An operator's: nobody may convert with it while there is a reason; "" ends that.
void hide(Transaction&, OwnVoice& voice, const std::string& reason, Seconds now);

/// No conversion begins any more, those on their way end and cost nothing, and its files are to be removed: returns the prefixes of their
/// blobs. What stays is the record with its consents.
std::vector<std::string> withdraw(Transaction&, OwnVoice& voice, Seconds now);

}  // namespace voice_steps

/// Prefixes of all blobs of a voice: what it was made from, and what was made.
std::vector<std::string> blobs_of_voice(Transaction&, const Id& voice);

}  // namespace webwrap
