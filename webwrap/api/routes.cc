#include "api/context.h"

namespace webwrap {

void add_all_routes(http::Router& router, Context& context) {
  add_account_routes(router, context);
  add_session_routes(router, context);
  add_upload_routes(router, context);
  add_recording_routes(router, context);
  add_voice_routes(router, context);
  add_own_voice_routes(router, context);
  add_job_routes(router, context);
  add_song_routes(router, context);
  add_picture_routes(router, context);
  add_release_routes(router, context);
  add_publication_routes(router, context);
  add_share_routes(router, context);
  add_artist_routes(router, context);
  add_credit_routes(router, context);
  add_shop_routes(router, context);
  add_earning_routes(router, context);
  add_support_routes(router, context);
  add_operation_routes(router, context);
  add_page_routes(router, context);
}

}  // namespace webwrap
