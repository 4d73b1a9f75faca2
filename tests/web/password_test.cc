#include "domain/password.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "api/concurrency_limiter.h"
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

TEST(Password, MustBeLong) {
  EXPECT_NE(password_problem("kX9#pq2Lv7w", "ann@example.org"), "");
  EXPECT_EQ(password_problem("kX9#pq2Lv7wD", "ann@example.org"), "");
  EXPECT_NE(password_problem("ünïcödésaré", "ann@example.org"), "") << "characters are counted, not bytes";
  EXPECT_EQ(password_problem("ünïcödésaréx", "ann@example.org"), "");
  const std::string sentence = "seven quiet otters ";
  EXPECT_EQ(password_problem(sentence + std::string(128 - sentence.size(), 'x'), ""), "");
  EXPECT_NE(password_problem(sentence + std::string(129 - sentence.size(), 'x'), ""), "");
}

TEST(Password, MustBeHardToGuess) {
  for (const char* good : {"seven quiet otters", "four silent owls", "4$9!7#2@8%1^", "kX9#pq2Lv7wD", "гуси летят домой", "vqkzjwmxhrtb",
                           "password of my grandmother's cat", "i love music and chocolate"})
    EXPECT_EQ(password_problem(good, "ann@example.org"), "") << good;
  for (const char* bad : {"passwordpassword",
                          "PASSWORD2024!",
                          "Password1234",
                          "P@ssw0rd2024!!",
                          "mypassword123",
                          "administrator",
                          "letmeinletmein",  // words
                          "i love you forever",
                          "iloveyou2025!",
                          "princess dragon",
                          "Sunshine Sunshine",
                          "hello world hello",
                          "jesus is lord!!",
                          "correct horse battery staple",
                          "to be or not to be",
                          "May the Force be with you",
                          "trustno1trustno1",
                          "1234567890123",
                          "123456123456",
                          "qwertyuiop123",
                          "1q2w3e4r5t6y",
                          "1qaz2wsx3edc",
                          "!QAZ2wsx#EDC4rfv",
                          "zxcvbnmasdfghjkl",  // rows
                          "poiuytrewq12",
                          "abcdefghijkl",
                          "qwertzuiop12",
                          "azertyuiop2024",
                          "asdfasdfasdf",
                          "111222333444",
                          "a1b2c3d4e5f6",
                          "!@#$%^&*()12",
                          "aaaaaaaaaaaa",
                          "abababababab",
                          "otterotterotter",
                          "susansusansusan",
                          "x-x-x-x-x-x-x-x-",  // repetitions
                          "susan1234567",
                          "kate19870304",
                          "1990jennifer!",
                          "hannah112233",
                          "Michael2024!",
                          "summer2024!!!",
                          "zorp11111111",  // a word and digits
                          "karaoke karaoke",
                          "voice converter",
                          "singasong123",
                          "microphone2025",
                          "webwrap12345",
                          "my song my voice"})  // of the service
    EXPECT_NE(password_problem(bad, "ann@example.org"), "") << bad;
}

TEST(Password, HoldsNoNameOfItsOwnerOrTheService) {
  EXPECT_NE(password_problem("Susan-Miller-likes-otters", "susan@example.org"), "");
  EXPECT_EQ(password_problem("running otters upwards", "run@example.org"), "") << "too short a name to matter";
  EXPECT_NE(password_problem("quiet otters use VoxConv", "ann@example.org"), "");
}

// Who sends the longest password must not keep a thread busy.
TEST(Password, IsEstimatedForAnyBytes) {
  for (const std::string& text :
       {std::string(), std::string(128, 'a'), std::string(512, '\xff'), std::string("\xc3"), std::string(128, '.')})
    EXPECT_GE(bits_to_guess(text), 0);
  EXPECT_EQ(bits_to_guess("...---___   "), bits_to_guess(""));
  EXPECT_LT(bits_to_guess("p@ssw0rd"), bits_to_guess("pqssw9rd"));
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

TEST(Password, LimitsHandlerThreadsInUse) {
  const auto expect = [](int handler_threads, int checks_waiting, int hashes_waiting) {
    const PasswordLimits limits = password_limits(handler_threads);
    EXPECT_EQ(limits.checks.running, 1) << handler_threads;
    EXPECT_EQ(limits.hashes.running, 1) << handler_threads;
    EXPECT_EQ(limits.checks.waiting, checks_waiting) << handler_threads;
    EXPECT_EQ(limits.hashes.waiting, hashes_waiting) << handler_threads;
  };
  expect(64, 2, 2);
  expect(8, 2, 2);
  expect(6, 1, 1);
  expect(5, 1, 0);
  expect(4, 0, 0);
  expect(1, 0, 0);
}

/// Nobody is kept from signing up by who tries passwords.
TEST(Password, OfNewAccountsIsHashedDuringManyLogIns) {
  const std::string hash = hash_password("seven quiet otters");
  std::atomic<bool> over = false;
  std::atomic<int> refused = 0;
  std::vector<std::thread> guessers;
  for (int i = 0; i < 8; ++i)
    guessers.emplace_back([&] {
      while (!over) try {
          check_password(hash, "wrong one here");
        } catch (const ServiceError& error) {
          EXPECT_EQ(error.status(), 503);
          ++refused;
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    });
  while (refused == 0) std::this_thread::yield();
  for (int i = 0; i < 3; ++i) EXPECT_NO_THROW(hash_password("seven quiet otters")) << i;
  over = true;
  for (std::thread& guesser : guessers) guesser.join();
}

TEST(ConcurrencyLimiter, LimitsRunningAndWaitingCallers) {
  ConcurrencyLimiter slots(2, 1);
  const ConcurrencyLimiter::Slot one = slots.enter();
  std::atomic<bool> entered = false;
  std::thread waiter;
  {
    const ConcurrencyLimiter::Slot two = slots.enter();
    waiter = std::thread([&] {
      const ConcurrencyLimiter::Slot three = slots.enter();
      entered = true;
    });
    while (slots.waiting() == 0) std::this_thread::yield();
    EXPECT_FALSE(entered);
    try {
      const ConcurrencyLimiter::Slot four = slots.enter();
      ADD_FAILURE() << "a fourth was let in";
    } catch (const ServiceError& error) {
      EXPECT_EQ(error.status(), 503);
    }
  }
  waiter.join();
  EXPECT_TRUE(entered);
  const ConcurrencyLimiter::Slot again = slots.enter();
  EXPECT_EQ(slots.waiting(), 0);
}

}  // namespace
}  // namespace webwrap
