// Activations in memory and on disk: the same bytes, errors before the work.
#include "train/spill_file.h"

#include <fcntl.h>

#include <algorithm>
#include <random>
#include <thread>

#include "base/resources.h"
#include "train_files.h"

namespace tome {
namespace {

class SpillTest : public TrainTest {
 protected:
  static std::vector<std::byte> noise(std::size_t bytes, unsigned seed) {
    std::mt19937 random(seed);
    std::vector<std::byte> result(bytes);
    for (std::byte& byte : result) byte = std::byte(random());
    return result;
  }
};

TEST_F(SpillTest, MemoryFileAndAMixGiveTheSameBytes) {
  constexpr std::size_t kSlots = 5;
  constexpr std::size_t kBytes = 10007;
  ActivationStore memory(kSlots, kBytes, kSlots * kBytes, folder(), false);
  ActivationStore mix(kSlots, kBytes, 2 * kBytes + 1, folder(), false);
  ActivationStore file(kSlots, kBytes, 0, folder(), false);
  ActivationStore kept(kSlots, kBytes, kSlots * kBytes, folder(), true);
  EXPECT_EQ(memory.spill_bytes(), 0U);
  EXPECT_EQ(mix.memory_bytes(), 2 * kBytes);
  EXPECT_EQ(mix.spill_bytes(), 3U * 12288);
  EXPECT_EQ(file.memory_bytes(), 0U);
  EXPECT_EQ(kept.memory_bytes(), 0U);

  std::vector<std::vector<std::byte>> expected(kSlots, std::vector<std::byte>(kBytes));
  std::mt19937 random(3);
  for (std::size_t slot = 0; slot < kSlots; ++slot) {
    expected[slot] = noise(kBytes, static_cast<unsigned>(slot));
    for (ActivationStore* store : {&memory, &mix, &file, &kept}) store->write(slot, 0, expected[slot]);
  }
  for (int round = 0; round < 500; ++round) {
    const std::size_t slot = random() % kSlots;
    const std::size_t offset = random() % (kBytes + 1);
    const std::size_t bytes = random() % (kBytes - offset + 1);
    if (round % 3 == 0) {
      const auto fresh = noise(bytes, static_cast<unsigned>(random()));
      std::copy(fresh.begin(), fresh.end(), expected[slot].begin() + static_cast<std::ptrdiff_t>(offset));
      for (ActivationStore* store : {&memory, &mix, &file, &kept}) store->write(slot, offset, fresh);
    }
    for (ActivationStore* store : {&memory, &mix, &file, &kept}) {
      if (round % 5 == 0) store->done_with(random() % kSlots);  // may drop pages, never bytes
      if (round % 7 == 0) store->will_read(slot);
      std::vector<std::byte> got(bytes);
      store->read(slot, offset, got);
      EXPECT_TRUE(std::equal(got.begin(), got.end(), expected[slot].begin() + static_cast<std::ptrdiff_t>(offset)));
    }
  }
}

TEST_F(SpillTest, ThreadsWriteAndReadAtOnce) {
  constexpr std::size_t kBytes = 1 << 16;
  ActivationStore store(8, kBytes, 3 * kBytes, folder(), false);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&store, t] {
      for (std::size_t slot = 0; slot < 8; ++slot) {
        const auto bytes = noise(kBytes / 4, 10 * t + static_cast<unsigned>(slot));
        std::vector<std::byte> got(bytes.size());
        store.write(slot, t * bytes.size(), bytes);
        store.read(slot, t * bytes.size(), got);
        EXPECT_EQ(got, bytes);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(SpillTest, SpilledSlotsAreNoPrivateMemoryAndLeaveNoFile) {
  if (!kMemoryIsMeasurable) GTEST_SKIP() << "private memory under a sanitizer";
  constexpr std::size_t kBytes = std::size_t{8} << 20;
  const auto bytes = noise(kBytes, 1);
  const std::uint64_t before = memory_use().anonymous;
  ActivationStore store(8, kBytes, kBytes, folder(), false);
  for (std::size_t slot = 0; slot < 8; ++slot) store.write(slot, 0, bytes);
  EXPECT_LT(memory_use().anonymous, before + kBytes + (1 << 20));
  EXPECT_TRUE(std::filesystem::is_empty(folder()));
}

TEST_F(SpillTest, AKeptFileIsFoundByTheNextRun) {
  const auto bytes = noise(5000, 1);
  {
    ActivationStore store(3, 5000, 0, folder(), true);
    EXPECT_FALSE(store.was_there());
    store.write(2, 0, bytes);
  }
  ActivationStore again(3, 5000, 1 << 20, folder(), true);
  EXPECT_TRUE(again.was_there());
  std::vector<std::byte> got(5000);
  again.read(2, 0, got);
  EXPECT_EQ(got, bytes);
  const ActivationStore larger(4, 5000, 0, folder(), true);
  EXPECT_FALSE(larger.was_there());
  again.remove_file();
  EXPECT_TRUE(std::filesystem::is_empty(folder()));
}

TEST_F(SpillTest, ADiskThatIsTooSmallIsSeenAtOnce) {
  const FileSizeLimit full(1 << 20);
  const std::vector<std::string> words{"layer activations", folder().string(), "needs 40 MiB", "free ", "make room"};
  for (const bool keep : {false, true}) {
    expect_user_error([&] { ActivationStore(5, std::size_t{8} << 20, 0, folder(), keep); }, words);
    EXPECT_TRUE(std::filesystem::is_empty(folder()));
  }
}

TEST_F(SpillTest, AWriteThatFailsSaysSo) {
  ActivationStore store(2, 100000, 0, folder(), false);
  const FileSizeLimit full(4096);
  expect_user_error([&] { store.write(1, 0, noise(5000, 1)); }, {"cannot write layer activations", folder().string()});
}

TEST_F(SpillTest, AFolderThatCannotBe) {
  write_text(folder() / "file", "");
  expect_user_error([&] { ActivationStore(2, 100, 0, folder() / "file" / "x", false); },
                    {"layer activations", "/file/x"});
}

TEST_F(SpillTest, BytesOutsideOfASlotAreAMistakeOfOurs) {
  ActivationStore store(2, 100, 100, folder(), false);
  std::vector<std::byte> bytes(51);
  EXPECT_THROW(store.write(0, 50, bytes), InternalError);
  EXPECT_THROW(store.read(1, 50, bytes), InternalError);
  EXPECT_THROW(store.read(2, 0, bytes), InternalError);
}

}  // namespace
}  // namespace tome
