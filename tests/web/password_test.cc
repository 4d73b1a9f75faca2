#include "domain/password.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "api/passwords.h"
#include "domain/email.h"
#include "domain/error.h"

namespace webwrap {
namespace {

TEST(Email, IsStoredInLowerCase) {
  EXPECT_EQ(normal_email("Ann.B+x@Mail.Example.ORG"), "ann.b+x@mail.example.org");
  EXPECT_EQ(normal_email("o'neil_9@xn--bcher-kva.example"), "o'neil_9@xn--bcher-kva.example");
  EXPECT_TRUE(normal_email(std::string(64, 'a') + "@example.org"));
  EXPECT_FALSE(normal_email(std::string(65, 'a') + "@example.org"));
  EXPECT_FALSE(normal_email("a@" + std::string(64, 'b') + ".org"));
  for (const char* text : {"", "@", "a@b", "a@b.", "a@.b", "a.@b.org", "a..b@c.org", "a@b.123", "a@b-.org", "a@b_c.org", "a@[127.0.0.1]",
                           "\"a\"@b.org", "a@b.org ", "a\n@b.org", "a,b@c.org", "a@b.org,c@d.org", "a@b@c.org"})
    EXPECT_FALSE(normal_email(text)) << text;
}

TEST(Password, MustBeHardToGuess) {
  for (const char* good : {"seven quiet otters", "Tr0ub4dor&3", "ünïcödés", "correct horse", "kX9#pq2L"})
    EXPECT_EQ(password_trouble(good, "ann@example.org"), "") << good;
  for (const char* bad :
       {"", "1234567", "ünïcödé", "PASSWORD", "password2024!", "Qwerty123456", "iloveyou!!", "abababab", "my voxconv login"})
    EXPECT_NE(password_trouble(bad, "ann@example.org"), "") << bad;
  EXPECT_NE(password_trouble("Susan-Miller-1", "susan@example.org"), "");
  EXPECT_EQ(password_trouble("running upwards", "run@example.org"), "");  // too short a name to matter
  EXPECT_EQ(password_trouble(std::string(32, 'a') + "bcdefg", ""), "");
  EXPECT_NE(password_trouble("abcdefg" + std::string(122, 'x'), ""), "");
}

TEST(Password, IsHashedWithSalt) {
  const std::string hash = hash_password("seven quiet otters");
  EXPECT_NE(hash, hash_password("seven quiet otters"));
  EXPECT_EQ(hash.find("$argon2id$v=19$m=65536,t=2,p=1$"), 0u);
  EXPECT_TRUE(check_password(hash, "seven quiet otters"));
  EXPECT_FALSE(check_password(hash, "seven quiet otter"));
  EXPECT_FALSE(check_password(hash, std::string("seven quiet otters\0", 19)));
  EXPECT_FALSE(is_outdated(hash));
}

TEST(WorkSlots, LetAFewInAFewWaitAndNobodyElse) {
  WorkSlots slots(2, 1);
  const WorkSlots::Slot one = slots.enter();
  std::atomic<bool> entered = false;
  std::thread waiter;
  {
    const WorkSlots::Slot two = slots.enter();
    waiter = std::thread([&] {
      const WorkSlots::Slot three = slots.enter();
      entered = true;
    });
    while (slots.waiting() == 0) std::this_thread::yield();
    EXPECT_FALSE(entered);
    try {
      const WorkSlots::Slot four = slots.enter();
      ADD_FAILURE() << "a fourth was let in";
    } catch (const ServiceError& error) {
      EXPECT_EQ(error.status(), 503);
    }
  }
  waiter.join();
  EXPECT_TRUE(entered);
  const WorkSlots::Slot again = slots.enter();
  EXPECT_EQ(slots.waiting(), 0);
}

}  // namespace
}  // namespace webwrap
