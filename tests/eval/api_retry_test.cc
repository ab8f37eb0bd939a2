#include "eval/answerers/api_retry.h"

#include <gmock/gmock.h>

#include <ctime>

#include "eval/api_server.h"

namespace tome::eval {
namespace {

using std::chrono::system_clock;

const std::function<bool()> kNever = [] { return false; };

TEST(ApiRetry, Statuses) {
  for (const int status : {408, 409, 425, 429, 500, 502, 503, 504, 529}) EXPECT_TRUE(may_go_better(status)) << status;
  for (const int status : {200, 301, 400, 401, 403, 404, 413, 422}) EXPECT_FALSE(may_go_better(status)) << status;
}

TEST(ApiRetry, RetryAfter) {
  const auto now = system_clock::from_time_t(784111777);  // RFC 9110's example, Sun, 06 Nov 1994 08:49:37 GMT
  EXPECT_EQ(retry_after("7", now), 7);
  EXPECT_EQ(retry_after("1.5", now), 1.5);
  EXPECT_EQ(retry_after("-7", now), 0);
  EXPECT_EQ(retry_after("Sun, 06 Nov 1994 08:50:37 GMT", now), 60);
  EXPECT_EQ(retry_after("Sun, 06 Nov 1994 08:49:00 GMT", now), 0);
  EXPECT_GT(retry_after("Sun, 06 Nov 7221 08:49:37 GMT", now), 1e11);
  for (const char* text : {"", "soon", "inf", "nan", "7 s", "Sun, 31 Feb 1994 08:49:37 GMT", "1e999"}) {
    EXPECT_EQ(retry_after(text, now), std::nullopt) << text;
  }
}

TEST(ApiRetry, BackOffDoublesWithJitterOfItsSeed) {
  for (int attempt = 1; attempt <= 100; ++attempt) {
    const double most = std::min(std::ldexp(1.0, attempt - 1), 120.0);
    const double wait = back_off(1, 120, attempt, 1, "a");
    EXPECT_GE(wait, most / 2);
    EXPECT_LE(wait, most);
    EXPECT_EQ(wait, back_off(1, 120, attempt, 1, "a"));
  }
  EXPECT_NE(back_off(1, 120, 3, 1, "a"), back_off(1, 120, 3, 1, "b"));
  EXPECT_NE(back_off(1, 120, 3, 1, "a"), back_off(1, 120, 3, 2, "a"));
}

TEST(ApiRetry, WaitingStops) {
  const Stopwatch watch;
  EXPECT_FALSE(wait_for(60, [&] { return watch.seconds() > 0.1; }));
  EXPECT_LT(watch.seconds(), 1);
  EXPECT_TRUE(wait_for(0.01, kNever));
}

TEST(RequestPacer, SpacesRequestsOfAllThreads) {
  RequestPacer pacer(600);  // one in 100 ms
  const Stopwatch watch;
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) threads.emplace_back([&] { EXPECT_TRUE(pacer.wait(kNever)); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(watch.seconds(), 0.5);
  EXPECT_LT(watch.seconds(), 2);
}

TEST(RequestPacer, Holds) {
  RequestPacer pacer(0);
  const Stopwatch watch;
  EXPECT_TRUE(pacer.wait(kNever));
  EXPECT_LT(watch.seconds(), 0.2);
  pacer.hold(0.4);
  EXPECT_TRUE(pacer.wait(kNever));
  EXPECT_GE(watch.seconds(), 0.4);
  pacer.hold(60);
  EXPECT_FALSE(pacer.wait([&] { return watch.seconds() > 0.6; }));
  EXPECT_LT(watch.seconds(), 2);
}

}  // namespace
}  // namespace tome::eval
