// Checkpoints: whole or not there, of this run or refused.
#include "train/checkpoint.h"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "train_files.h"

namespace tome {
namespace {

const std::map<std::string, std::string> kSettings{
    {"model", "a1b2"}, {"data", "c3d4"}, {"rank", "16"}, {"learning_rate", "0.0003"}};

class CheckpointTest : public TrainTest {
 protected:
  std::filesystem::path checkpoints() const { return folder() / "out" / "checkpoint"; }
  std::filesystem::path file(int step) const { return checkpoints() / cat("step-", step, ".safetensors"); }

  static RunState state(std::int64_t step) {
    std::ostringstream random;
    random << std::mt19937_64(static_cast<std::uint64_t>(step));
    return {step, {2, 17 + step, 0xfedcba9876543210U}, random.str(), 0.1 + 1.0 / 3, step - 1};
  }
  static std::vector<float> values(std::int64_t step) {
    std::vector<float> result(1000);
    std::iota(result.begin(), result.end(), static_cast<float>(step) + 0.25F);
    return result;
  }
  static std::vector<std::byte> moments(std::int64_t step) { return std::vector<std::byte>(777, std::byte(step)); }

  void save(CheckpointFolder& into, std::int64_t step) { into.save(state(step), values(step), moments(step)); }

  void expect_step(const CheckpointFolder& from, std::int64_t step, const std::vector<std::string>& notice = {}) {
    const auto loaded = from.load(1000, 777);
    ASSERT_TRUE(loaded.has_value());
    EXPECT_EQ(loaded->state, state(step));
    std::vector<float> got(1000);
    loaded->copy_values(got);
    EXPECT_EQ(got, values(step));
    EXPECT_TRUE(std::ranges::equal(loaded->moments(), moments(step)));
    EXPECT_EQ(loaded->notice.empty(), notice.empty()) << loaded->notice;
    for (const auto& words : notice) EXPECT_THAT(loaded->notice, testing::HasSubstr(words));
  }

  std::vector<std::string> names() const {
    std::vector<std::string> result;
    std::error_code error;  // there may be none yet
    for (const auto& entry : std::filesystem::directory_iterator(checkpoints(), error)) {
      result.push_back(entry.path().filename());
    }
    std::sort(result.begin(), result.end());
    return result;
  }
};

TEST_F(CheckpointTest, ComesBackAsItWas) {
  CheckpointFolder run(checkpoints(), kSettings);
  EXPECT_FALSE(run.load(1000, 777).has_value());
  save(run, 3);
  expect_step(run, 3);
  RunState without = state(3);
  without.best_validation_loss.reset();
  run.save(without, values(3), moments(3));
  EXPECT_EQ(run.load(1000, 777)->state, without);
}

TEST_F(CheckpointTest, TheLastTwoStay) {
  CheckpointFolder run(checkpoints(), kSettings);
  for (const int step : {8, 9, 10, 11}) save(run, step);
  EXPECT_THAT(names(), testing::ElementsAre("lock", "step-10.safetensors", "step-11.safetensors"));
  expect_step(run, 11);
  run.clear();
  EXPECT_FALSE(run.load(1000, 777).has_value());
}

TEST_F(CheckpointTest, ADamagedOneIsNamedAndTheOneBeforeTaken) {
  CheckpointFolder run(checkpoints(), kSettings);
  save(run, 1);
  save(run, 2);
  const std::string whole = read_text(file(2));
  std::mt19937 random(1);
  for (int i = 0; i < 300; ++i) {
    std::string bytes = whole;
    bytes[random() % bytes.size()] ^= static_cast<char>(1 << (random() % 8));
    write_text(file(2), bytes);
    expect_step(run, 1, {file(2).string(), "going on from step 1"});
  }
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{7}, std::size_t{100}, whole.size() / 2, whole.size() - 1}) {
    write_text(file(2), whole.substr(0, size));
    expect_step(run, 1, {file(2).string(), "going on from step 1"});
  }
  write_text(file(1), "");
  expect_user_error([&] { run.load(1000, 777); },
                    {"no checkpoint is whole", file(1).string(), file(2).string(), "remove " + checkpoints().string()});
}

TEST_F(CheckpointTest, OfAnotherRunIsRefusedNamingTheDifference) {
  { save(*std::make_unique<CheckpointFolder>(checkpoints(), kSettings), 5); }
  auto other = kSettings;
  other["rank"] = "8";
  expect_user_error([&] { CheckpointFolder(checkpoints(), other).load(1000, 777); },
                    {file(5).string(), "another run", "(rank: 16 there, 8 here)", "--out"});
  other = kSettings;
  other.erase("data");
  other["schedule"] = "linear";
  expect_user_error([&] { CheckpointFolder(checkpoints(), other).load(1000, 777); },
                    {"data: c3d4 there, nothing here", "schedule: nothing there, linear here"});
  other = {{"a", "1"}};
  expect_user_error([&] { CheckpointFolder(checkpoints(), other).load(1000, 777); }, {"and 2 more"});
  const CheckpointFolder same(checkpoints(), kSettings);
  expect_user_error([&] { same.load(999, 777); }, {"trained numbers: 1000 there, 999 here"});
  expect_user_error([&] { same.load(1000, 776); }, {"bytes of moments: 777 there, 776 here"});
  expect_step(same, 5);
}

TEST_F(CheckpointTest, SettingsThatAreNoUtf8) {
  auto odd = kSettings;
  odd["data"] = "caf\xe9.jsonl";
  { save(*std::make_unique<CheckpointFolder>(checkpoints(), odd), 5); }
  expect_step(CheckpointFolder(checkpoints(), odd), 5);
}

TEST_F(CheckpointTest, AFullDiskLeavesTheLastOneIntact) {
  CheckpointFolder run(checkpoints(), kSettings);
  {
    const FileSizeLimit full(1000);
    expect_user_error([&] { save(run, 1); },
                      {"checkpoint of step 1 is not saved", checkpoints().string(), "make room"});
  }
  save(run, 1);
  save(run, 2);
  const FileSizeLimit full(3000);  // in the middle of the values
  expect_user_error([&] { save(run, 3); }, {"step 3 is not saved", "make room", "the one of step 2 is intact"});
  EXPECT_THAT(names(), testing::ElementsAre("lock", "step-1.safetensors", "step-2.safetensors"));
  expect_step(run, 2);
}

TEST_F(CheckpointTest, TwoRunsInOneFolder) {
  std::optional<CheckpointFolder> first(std::in_place, checkpoints(), kSettings);
  expect_user_error([&] { CheckpointFolder(checkpoints(), kSettings); },
                    {checkpoints().string(), "another run", cat("process ", ::getpid()), "--out"});
  first.reset();
  CheckpointFolder(checkpoints(), kSettings);
}

TEST_F(CheckpointTest, AFolderThatCannotBe) {
  write_text(folder() / "out", "a file");
  expect_user_error([&] { CheckpointFolder(checkpoints(), kSettings); }, {"cannot write to " + checkpoints().string()});
}

// A child saves checkpoints as fast as it can and is killed; whatever is there then must be whole.
TEST_F(CheckpointTest, KilledAtAnyMoment) {
  std::mt19937 random(7);
  int found = 0;
  for (int round = 0; round < 20; ++round) {
    const std::int64_t first = 10000 * (10 + round);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      CheckpointFolder run(checkpoints(), kSettings);
      for (std::int64_t step = first;; ++step) save(run, step);
    }
    // Every other round its first checkpoint is waited for, however slow the disk is.
    const std::string begin = cat("step-", 10 + round);
    const auto is_of_child = [&](const std::string& name) { return name.starts_with(begin); };
    for (int i = 0; round % 2 == 0 && i < 10000 && std::ranges::none_of(names(), is_of_child); ++i) ::usleep(1000);
    ::usleep(static_cast<useconds_t>(random() % 20000));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const CheckpointFolder run(checkpoints(), kSettings);
    const auto loaded = run.load(1000, 777);
    if (!loaded) continue;
    ++found;
    expect_step(run, loaded->state.step);
    for (const auto& name : names()) EXPECT_THAT(name, testing::Not(testing::HasSubstr(".part")));
  }
  EXPECT_GE(found, 10);
}

}  // namespace
}  // namespace tome
