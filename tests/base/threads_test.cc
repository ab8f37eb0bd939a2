#include "base/threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace tome {
namespace {

TEST(Threads, EveryIndexOnceByAThreadOfTheTeam) {
  for (const int count : {1, 2, 3, 5}) {
    Threads threads(count);
    EXPECT_EQ(threads.count(), count);
    for (const std::size_t items : {0u, 1u, 2u, 7u, 1000u}) {
      std::vector<std::atomic<int>> seen(items);
      std::atomic<bool> strangers{false};
      threads.for_each(items, [&](std::size_t index, int thread) {
        ++seen[index];
        if (thread < 0 || thread >= count) strangers = true;
      });
      for (const auto& times : seen) EXPECT_EQ(times, 1);
      EXPECT_FALSE(strangers);
    }
  }
}

TEST(Threads, ManyShortLoopsSeeEachOthersWrites) {
  Threads threads(2);
  std::vector<long> values(97, 0);
  for (int round = 0; round < 500; ++round) {
    threads.for_each(values.size(), [&](std::size_t i, int) { values[i] += static_cast<long>(i); });
  }
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i], 500 * static_cast<long>(i));
}

TEST(Threads, NoTwoBodiesShareAThreadNumberAtATime) {
  Threads threads(4);
  std::vector<std::atomic<int>> inside(4);
  std::atomic<bool> shared{false};
  threads.for_each(500, [&](std::size_t, int thread) {
    if (++inside[static_cast<std::size_t>(thread)] != 1) shared = true;
    --inside[static_cast<std::size_t>(thread)];
  });
  EXPECT_FALSE(shared);
}

TEST(Threads, TheFirstExceptionReachesTheCallerAndTheTeamGoesOn) {
  for (const int count : {1, 3}) {
    Threads threads(count);
    for (int round = 0; round < 50; ++round) {
      EXPECT_THROW(threads.for_each(100,
                                    [&](std::size_t i, int) {
                                      if (i % 10 == 3) throw std::runtime_error("three");
                                    }),
                   std::runtime_error);
      std::atomic<int> done{0};
      threads.for_each(10, [&](std::size_t, int) { ++done; });
      EXPECT_EQ(done, 10);
    }
  }
}

TEST(Threads, AMachineHasACore) { EXPECT_GE(usable_cores(), 1); }

}  // namespace
}  // namespace tome
