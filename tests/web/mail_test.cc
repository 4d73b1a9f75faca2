#include <gmock/gmock.h>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <mutex>

#include "config/config.h"
#include "mail/mailer.h"
#include "mail/mime.h"
#include "mail/smtp_mailer.h"
#include "smtp_server.h"

namespace webwrap::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const Mailbox from{"voxconv", "no-reply@example.org"};

std::string message_of(const Mail& mail, const Mailbox& sender = from) { return mime_message(mail, sender, 1'800'000'000); }

TEST(Mime, MakesAMessage) {
  const std::string message = message_of({"ann@example.org", "Confirm", "Open\nhttps://x.org/?token=ab\n"});
  EXPECT_THAT(message,
              StartsWith("Date: Fri, 15 Jan 2027 08:00:00 +0000\r\nFrom: \"voxconv\" <no-reply@example.org>\r\nTo: ann@example.org\r\n"
                         "Subject: Confirm\r\nMessage-ID: <"));
  EXPECT_THAT(message, HasSubstr("\r\nContent-Type: text/plain; charset=utf-8\r\n"));
  EXPECT_THAT(message, ::testing::EndsWith("\r\n\r\nOpen\r\nhttps://x.org/?token=3Dab\r\n"));
}

TEST(Mime, EncodesWhatIsNotAscii) {
  std::string subject;
  for (int i = 0; i < 30; ++i) subject += "ä🎤";
  const std::string message = message_of({"ann@example.org", subject, "schön = gut \nEnde"}, {"Jörg", "j@example.org"});
  EXPECT_THAT(message, HasSubstr("From: =?UTF-8?B?SsO2cmc=?= <j@example.org>\r\n"));
  EXPECT_THAT(message, HasSubstr("sch=C3=B6n =3D gut=20\r\nEnde\r\n"));
  EXPECT_THAT(message, HasSubstr("Subject: =?UTF-8?B?"));
  for (std::size_t at = 0, end = 0; (end = message.find("\r\n", at)) != message.npos; at = end + 2) EXPECT_LE(end - at, 85u);
  EXPECT_TRUE(std::all_of(message.begin(), message.end(), [](unsigned char c) { return c < 0x80; }));
  EXPECT_THAT(message_of({"a@example.org", "=?UTF-8?B?SsO2cmc=?=", ""}), Not(HasSubstr("Subject: =?UTF-8?B?SsO2cmc=?=")));
}

TEST(Mime, BreaksLongLines) {
  const std::string message = message_of({"ann@example.org", "s", std::string(500, 'x') + std::string(200, '=')});
  for (std::size_t at = 0, end = 0; (end = message.find("\r\n", at)) != message.npos; at = end + 2) EXPECT_LE(end - at, 76u);
}

TEST(Mime, PreventsHeaderInjection) {
  for (const char* bad : {"a\r\nBcc: all@example.org", "a\nb", "a\rb", "a\tb"}) {
    EXPECT_THROW(message_of({"ann@example.org", bad, ""}), std::runtime_error) << bad;
    EXPECT_THROW(message_of({std::string(bad) + "@example.org", "s", ""}), std::runtime_error) << bad;
  }
  EXPECT_THROW(message_of({std::string("ann@example.org\0", 16), "s", ""}), std::runtime_error);
  // In the text it is text.
  const std::string message = message_of({"ann@example.org", "s", "\r\n.\r\nMAIL FROM:<x@y.org>\r\n"});
  EXPECT_THAT(message, ::testing::EndsWith("\r\n\r\n\r\n.\r\nMAIL FROM:<x@y.org>\r\n"));
}

TEST(Mime, LetsSubscribedMailsBeEndedByOneClick) {
  const std::string message = message_of({"ann@example.org", "News", "text", "https://x.org/follow/stop/abc"});
  EXPECT_THAT(message, HasSubstr("\r\nList-Unsubscribe: <https://x.org/follow/stop/abc>\r\n"
                                 "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"));
  EXPECT_THAT(message_of({"ann@example.org", "Confirm", "text"}), Not(HasSubstr("List-Unsubscribe")));
  EXPECT_THROW(message_of({"ann@example.org", "News", "text", "https://x.org/\r\nBcc: all@example.org"}), std::runtime_error);
}

TEST(Mime, ReadsMailboxes) {
  EXPECT_EQ(parse_mailbox("Ann Lee <ann@example.org>").name, "Ann Lee");
  EXPECT_EQ(parse_mailbox("Ann Lee <ann@example.org>").address, "ann@example.org");
  EXPECT_EQ(parse_mailbox("no-reply@localhost").address, "no-reply@localhost");
  EXPECT_EQ(parse_mailbox("<a@b>").name, "");
  for (const char* bad :
       {"", "ann", "Ann <ann>", "Ann <ann@example.org", "<a@b> x", "a@b, c@d", "a b@c", "@b", "a@", "<<a@b>>", "a@b@c", "ä@b.org"})
    EXPECT_THROW(parse_mailbox(bad), std::runtime_error) << bad;
}

struct Smtp : ::testing::Test {
  Smtp() {
    config.smtp_url = server.url();
    config.mail_from = "voxconv <no-reply@example.org>";
  }
  SmtpServer server;
  Config config;
  const Mail mail{"ann@example.org", "Grüße", "one\n.two\n..three\nfour\n"};
};

TEST_F(Smtp, HandsOverAMail) {
  make_smtp_mailer(config)->send(mail);
  const auto taken = server.taken();
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_THAT(taken[0].sender, StartsWith("<no-reply@example.org>"));
  EXPECT_EQ(taken[0].recipient, "<ann@example.org>");
  EXPECT_THAT(taken[0].message, HasSubstr("Subject: =?UTF-8?B?R3LDvMOfZQ==?=\r\n"));
  EXPECT_THAT(taken[0].message, ::testing::EndsWith("\r\n\r\none\r\n.two\r\n..three\r\nfour\r\n"));
}

TEST_F(Smtp, LogsIn) {
  config.smtp_user = "user";
  config.smtp_password = "word";
  server.answer("EHLO", "250-test\r\n250 AUTH PLAIN");
  make_smtp_mailer(config)->send(mail);
  EXPECT_THAT(server.commands(), Contains(StartsWith("AUTH PLAIN")));
  EXPECT_EQ(server.taken().size(), 1u);
  server.answer("AUTH", "535 no");
  EXPECT_THROW(make_smtp_mailer(config)->send(mail), std::runtime_error);
  EXPECT_EQ(server.taken().size(), 1u);
}

TEST_F(Smtp, SaysWhyAMailWasNotTaken) {
  const auto mailer = make_smtp_mailer(config);
  server.answer("RCPT", "451 try later");
  try {
    mailer->send(mail);
    ADD_FAILURE() << "it was taken";
  } catch (const MailRefused&) {
    ADD_FAILURE() << "451 may help later";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("451"));
  }
  server.answer("RCPT", "550 nobody here");
  EXPECT_THROW(mailer->send(mail), MailRefused);
  EXPECT_THROW(mailer->send({"ann@example.org\r\nRCPT TO:<bob@example.org>", "s", "t"}), std::runtime_error);
  EXPECT_TRUE(server.taken().empty());
}

TEST_F(Smtp, ServerMustBeThere) {
  {
    SmtpServer gone;
    config.smtp_url = gone.url();
  }
  EXPECT_THROW(make_smtp_mailer(config)->send(mail), std::runtime_error);
}

TEST_F(Smtp, NothingGoesUnencryptedToAnotherMachine) {
  config.smtp_url = "smtp://127.1:" + std::to_string(server.port);  // reaches the server, but is not known as this machine's name
  EXPECT_THROW(make_smtp_mailer(config)->send(mail), std::runtime_error);
  EXPECT_THAT(server.commands(), Contains(StartsWith("EHLO")));
  EXPECT_THAT(server.commands(), Not(Contains(StartsWith("MAIL"))));
  config.smtp_url = "smtps://127.0.0.1:" + std::to_string(server.port);  // a server that speaks no TLS
  EXPECT_THROW(make_smtp_mailer(config)->send(mail), std::runtime_error);
  EXPECT_TRUE(server.taken().empty());
}

TEST_F(Smtp, RefusesABadConfiguration) {
  config.smtp_url = "http://127.0.0.1";
  EXPECT_THROW(make_mailer(config), std::runtime_error);
  config.smtp_url = server.url();
  config.mail_from = "nobody";
  EXPECT_THROW(make_mailer(config), std::runtime_error);
}

TEST_F(Smtp, MailersOfTheConfigurationSend) {
  make_mailer(config)->send(mail);  // its end waits for the mail
  EXPECT_EQ(server.taken().size(), 1u);
  config.smtp_url.clear();
  ::testing::internal::CaptureStderr();
  make_mailer(config)->send({"ann@example.org", "s", "open https://x.org/app/verify?token=abc"});
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("https://x.org/app/verify?token=abc"));
}

/// Fails as often as told, then sends.
struct FlakyMailer : Mailer {
  void send(const Mail& mail) override {
    const std::lock_guard lock(mutex);
    ++tries;
    changed.notify_all();
    if (refuse) throw MailRefused("refused");
    if (failures > 0) {
      --failures;
      throw std::runtime_error("not now");
    }
    sent.push_back(mail.subject);
  }
  void wait_for(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex);
    changed.wait(lock, condition);
  }
  std::mutex mutex;
  std::condition_variable changed;
  int tries = 0, failures = 0;
  bool refuse = false;
  std::vector<std::string> sent;
};

/// Lets a test look at a mailer that an outbox owns.
struct Forward : Mailer {
  explicit Forward(FlakyMailer& mailer) : target(mailer) {}
  void send(const Mail& mail) override { target.send(mail); }
  FlakyMailer& target;
};

TEST(Outbox, TriesAgain) {
  FlakyMailer mailer;
  mailer.failures = 2;
  {
    Outbox outbox(std::make_unique<Forward>(mailer), {1ms, 1ms, 1ms});
    outbox.send({"ann@example.org", "one", ""});
    mailer.wait_for([&] { return mailer.tries == 3; });
  }
  EXPECT_THAT(mailer.sent, ::testing::ElementsAre("one"));
}

TEST(Outbox, GivesUp) {
  FlakyMailer mailer;
  mailer.failures = 3;
  {
    Outbox outbox(std::make_unique<Forward>(mailer), {1ms, 1ms});
    outbox.send({"ann@example.org", "one", ""});
    mailer.wait_for([&] { return mailer.tries == 3; });
    outbox.send({"ann@example.org", "two", ""});
    mailer.wait_for([&] { return mailer.tries == 4; });
  }
  EXPECT_EQ(mailer.tries, 4);
  EXPECT_THAT(mailer.sent, ::testing::ElementsAre("two"));
}

TEST(Outbox, DoesNotTryARefusedMailAgain) {
  FlakyMailer mailer;
  mailer.refuse = true;
  {
    Outbox outbox(std::make_unique<Forward>(mailer), {0ms, 0ms});
    outbox.send({"ann@example.org", "one", ""});
    mailer.wait_for([&] { return mailer.tries == 1; });
  }
  EXPECT_EQ(mailer.tries, 1);
}

TEST(Outbox, EndsWithALastTry) {
  FlakyMailer mailer;
  mailer.failures = 1;
  {
    Outbox outbox(std::make_unique<Forward>(mailer), {1h});
    outbox.send({"ann@example.org", "one", ""});
    mailer.wait_for([&] { return mailer.tries == 1; });
  }
  EXPECT_THAT(mailer.sent, ::testing::ElementsAre("one"));
}

/// Holds the first mail until it is let go.
struct HeldMailer : Mailer {
  explicit HeldMailer(std::vector<std::string>& order) : sent(order) {}
  void send(const Mail& mail) override {
    std::unique_lock lock(mutex);
    holding = true;
    changed.notify_all();
    changed.wait(lock, [this] { return let_go; });
    sent.push_back(mail.subject);
  }
  std::mutex mutex;
  std::condition_variable changed;
  bool holding = false, let_go = false;
  std::vector<std::string>& sent;
};

/// News to many must not keep anybody from signing up.
TEST(Outbox, SendsSubscribedMailsLastAndLeavesRoomForOthers) {
  std::vector<std::string> sent;
  {
    auto mailer = std::make_unique<HeldMailer>(sent);
    HeldMailer& held = *mailer;
    Outbox outbox(std::move(mailer), {1h}, 4);
    outbox.send({"ann@example.org", "first", ""});
    {
      std::unique_lock lock(held.mutex);
      held.changed.wait(lock, [&] { return held.holding; });
    }
    outbox.send({"ann@example.org", "news 1", "", "https://x.org/stop", true});
    outbox.send({"ann@example.org", "news 2", "", "https://x.org/stop", true});
    EXPECT_THROW(outbox.send({"ann@example.org", "news 3", "", "https://x.org/stop", true}), std::runtime_error);
    EXPECT_THROW(outbox.send({"ann@example.org", "follow?", "", "", true}), std::runtime_error);
    outbox.send({"ann@example.org", "link", ""});
    const std::lock_guard lock(held.mutex);
    held.let_go = true;
    held.changed.notify_all();
  }
  EXPECT_THAT(sent, ::testing::ElementsAre("first", "link", "news 1", "news 2"));
}

/// News lie in the database until they are written: of what waits here, little is lost when the service is killed.
TEST(Outbox, TakesFewSubscribedMails) {
  FlakyMailer mailer;
  mailer.failures = 1000;
  Outbox outbox(std::make_unique<Forward>(mailer), {1h});
  std::size_t taken = 0;
  try {
    for (; taken < 200; ++taken) outbox.send({"ann@example.org", "news", "", "https://x.org/stop", true});
  } catch (const std::runtime_error&) {
  }
  // One more may be taken while another is on its way.
  EXPECT_GE(taken, Outbox::most_subscribed);
  EXPECT_LE(taken, Outbox::most_subscribed + 1);
  outbox.send({"ann@example.org", "link", ""});
}

TEST(Outbox, IsBounded) {
  FlakyMailer mailer;
  mailer.failures = 100;
  Outbox outbox(std::make_unique<Forward>(mailer), {1h}, 2);
  outbox.send({"ann@example.org", "one", ""});
  outbox.send({"ann@example.org", "two", ""});
  mailer.wait_for([&] { return mailer.tries == 2; });
  // One more may be taken while the second is on its way back.
  EXPECT_THROW(
      {
        outbox.send({"ann@example.org", "three", ""});
        outbox.send({"ann@example.org", "four", ""});
      },
      std::runtime_error);
}

}  // namespace
}  // namespace webwrap::testing
