// The run's own record: exact keys, and no trace of an interruption.
#include "train/log.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "train_files.h"

namespace tome {
namespace {

StepRecord step_record(std::int64_t step) {
  return {step,     2.0 / 3 / static_cast<double>(step),
          3e-4,     256,
          8192,     123.456,
          0.61,     1U << 30,
          1U << 29, std::uint64_t{40} << 30};
}

class LogTest : public TrainTest {
 protected:
  std::string text(const char* name) const { return read_text(folder() / name); }

  // Steps first..last, a validation after every second and a sample after every third.
  static void add(RunLog& log, std::int64_t first, std::int64_t last) {
    for (std::int64_t step = first; step <= last; ++step) {
      log.add(step_record(step));
      if (step % 2 == 0) log.add(ValidationRecord{step, 1.5, 100});
      if (step % 3 == 0) log.add(SampleRecord{step, "Who?\n\"Kim\"", "Ann", "</script>\xff"});
    }
  }
};

TEST_F(LogTest, ALineIsAnObjectOfTheTenKeys) {
  RunLog log(folder(), 0);
  log.add(step_record(1));
  EXPECT_EQ(text("log.jsonl"),
            R"({"step":1,"loss":0.6666666666666666,"learning_rate":0.0003,"target_tokens":256,"tokens":8192,)"
            R"("tokens_per_second":123.456,"fraction_of_peak":0.61,"peak_rss_bytes":1073741824,)"
            R"("peak_private_bytes":536870912,"spill_bytes":42949672960})"
            "\n");
  EXPECT_EQ(text("validation.jsonl"), "");
  EXPECT_EQ(text("samples.jsonl"), "");
}

TEST_F(LogTest, AnInterruptedRunLeavesTheSameFiles) {
  std::vector<std::string> expected;
  {
    RunLog whole(folder(), 0);
    add(whole, 1, 9);
    for (const char* name : {"log.jsonl", "validation.jsonl", "samples.jsonl"}) expected.push_back(text(name));
  }
  {
    RunLog first(folder(), 0);
    add(first, 1, 7);
  }
  write_text(folder() / "log.jsonl", text("log.jsonl") + "{\"step\":8,\"lo");  // killed while it wrote
  RunLog second(folder(), 4);
  EXPECT_EQ(second.steps().size(), 4U);
  EXPECT_EQ(second.steps()[3], step_record(4));
  add(second, 5, 9);
  EXPECT_EQ(text("log.jsonl"), expected[0]);
  EXPECT_EQ(text("validation.jsonl"), expected[1]);
  EXPECT_EQ(text("samples.jsonl"), expected[2]);
  EXPECT_EQ(second.steps().size(), 9U);
  EXPECT_EQ(second.validations().size(), 4U);
  EXPECT_EQ(second.samples().size(), 3U);
}

TEST_F(LogTest, ARunThatStartsAnewForgetsTheOldOne) {
  {
    RunLog old(folder(), 0);
    add(old, 1, 3);
  }
  const RunLog log(folder(), 0);
  EXPECT_TRUE(log.steps().empty());
  EXPECT_EQ(text("log.jsonl"), "");
}

TEST_F(LogTest, LinesThatAreNoneOfOursEndTheLog) {
  {
    RunLog log(folder(), 0);
    add(log, 1, 2);
  }
  const std::string two = text("log.jsonl");
  for (const char* line : {"[1]", "{\"step\":3}", "nonsense", ""}) {
    write_text(folder() / "log.jsonl", two + line + "\n" + two);
    EXPECT_EQ(RunLog(folder(), 5).steps().size(), 2U) << line;
    EXPECT_EQ(text("log.jsonl"), two);
  }
}

TEST_F(LogTest, NumbersThatAreNoneAreStillJson) {
  RunLog log(folder(), 0);
  StepRecord record = step_record(1);
  record.loss = std::numeric_limits<double>::quiet_NaN();
  log.add(record);
  EXPECT_TRUE(nlohmann::json::parse(text("log.jsonl")).at("loss").is_null());
}

TEST_F(LogTest, AFullDiskIsNamed) {
  RunLog log(folder(), 0);
  const FileSizeLimit full(300);
  log.add(step_record(1));
  expect_user_error([&] { log.add(step_record(2)); }, {"log.jsonl", "make room", "goes on where it stopped"});
}

TEST_F(LogTest, AFolderThatCannotBe) {
  write_text(folder() / "out", "a file");
  expect_user_error([&] { RunLog(folder() / "out", 0); }, {"/out/log.jsonl"});
}

}  // namespace
}  // namespace tome
