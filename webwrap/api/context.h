#pragma once
#include <functional>
#include <memory>
#include <string>

#include "blob/blob_store.h"
#include "blob/disk.h"
#include "config/config.h"
#include "domain/clock.h"
#include "http/router.h"
#include "mail/mailer.h"
#include "payments/connect_gateway.h"
#include "payments/payment_gateway.h"
#include "store/store.h"

namespace webwrap {

/// What handlers work with; lives as long as the server. All members are thread-safe.
struct Context {
  const Config& config;
  Store& store;
  BlobStore& blobs;
  Mailer& mailer;
  PaymentGateway& payments;
  const Clock& clock;
  const Disk& disk;
  ConnectGateway& connect;
};

/// Each adds its routes. One file each in api/.
void add_account_routes(http::Router&, Context&);  ///< guests, accounts, verification, resets, export
void add_session_routes(http::Router&, Context&);  ///< log-in, log-out, API tokens
void add_upload_routes(http::Router&, Context&);   ///< tus
void add_recording_routes(http::Router&, Context&);
void add_voice_routes(http::Router&, Context&);
void add_own_voice_routes(http::Router&, Context&);    ///< members' own voices, from recording to withdrawal
void add_job_routes(http::Router&, Context&);          ///< quotes, jobs
void add_song_routes(http::Router&, Context&);         ///< songs, renders
void add_picture_routes(http::Router&, Context&);      ///< of songs, releases and artists
void add_release_routes(http::Router&, Context&);      ///< releases, their packages
void add_publication_routes(http::Router&, Context&);  ///< other platforms, connections, publications
void add_share_routes(http::Router&, Context&);        ///< shares, reports, oEmbed, the public page
void add_artist_routes(http::Router&, Context&);       ///< artists' pages and all that follows here
void add_artist_pages(http::Router&, Context&);        ///< their HTML and feeds, the sitemap
void add_follow_routes(http::Router&, Context&);
void add_play_routes(http::Router&, Context&);
void add_discover_routes(http::Router&, Context&);
void add_credit_routes(http::Router&, Context&);     ///< balance, history
void add_shop_routes(http::Router&, Context&);       ///< orders, Stripe's webhook
void add_earning_routes(http::Router&, Context&);    ///< accounts at Stripe, tiers, payments, statements
void add_support_routes(http::Router&, Context&);    ///< what fans pay: subscriptions, tips
void add_operation_routes(http::Router&, Context&);  ///< /healthz, /metrics, /api/v1/config, /api/v1/openapi.json
void add_page_routes(http::Router&, Context&);       ///< the web app's files

void add_all_routes(http::Router&, Context&);  ///< all of the above

}  // namespace webwrap
