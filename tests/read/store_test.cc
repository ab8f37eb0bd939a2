// The folder of readings: damaged files, eviction, two writers, a full disk.
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>

#include "read_files.h"

namespace tome {
namespace {

class StoreTest : public ReadTest {
 protected:
  void damage(const std::filesystem::path& path, std::size_t at) {
    std::string bytes = read_bytes(path);
    ASSERT_LT(at, bytes.size());
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    std::ofstream(path, std::ios::binary) << bytes;
  }
};

TEST_F(StoreTest, ADamagedLayerIsNamedAndNeverAnswersAQuestion) {
  const auto path = read(*session("llama"), make_text(600)).path;
  const std::string whole = read_bytes(path);
  for (const int layer : {0, 1}) {
    std::ofstream(path, std::ios::binary) << whole;
    const SafetensorsFile file(path);
    damage(path, file.find(cat("layers.", layer))->offset + file.find("layers.1")->bytes - 100);
    const auto again = session("llama");
    ReadingResult result;
    ASSERT_TRUE(again->open_kept(make_text(600).text_hash, &result));
    expect_user_error([&] { ask(*again); }, cat("layer ", layer));
    expect_user_error([&] { ask(*again); }, path.string());
  }
}

TEST_F(StoreTest, FilesThatAreNoWholeReadingsAreReadAgain) {
  const ReadingInput text = make_text(600);
  const auto path = read(*session("llama"), text).path;
  const std::string answer = fresh_answer("llama", text);
  const std::string whole = read_bytes(path);
  std::string foreign = whole;
  foreign.replace(foreign.find("\"version\":\"1\""), 13, "\"version\":\"9\"");
  std::string negative = whole;
  negative.replace(negative.find("\"tokens\":\"600\""), 14, "\"tokens\":\"-99\"");
  for (const std::string& bytes :
       {std::string(), whole.substr(0, 100), whole.substr(0, whole.size() / 2), foreign, negative}) {
    std::ofstream(path, std::ios::binary) << bytes;
    const auto again = session("llama");
    ReadingResult result;
    EXPECT_FALSE(again->open_kept(text.text_hash, &result));
    EXPECT_EQ(read(*again, text).reused_tokens, 0);
    EXPECT_EQ(ask(*again).text, answer);
    EXPECT_EQ(read_bytes(path), whole);
  }
}

TEST_F(StoreTest, AReadingOfAnotherModelIsRefused) {
  const auto path = read(*session("llama"), make_text(300)).path;
  const Model gemma(tiny_folder("gemma"));
  expect_user_error([&] { Reading reading(path, gemma.config()); }, path.string());
}

TEST_F(StoreTest, ADamagedResidualIsAnErrorThatSaysWhatToDo) {
  std::atomic<bool> stop{false};
  const ReadingInput text = make_text(600);
  EXPECT_THROW(session("llama")->read(
                   text, [&](const ReadingProgress& p) { stop = p.layer == 1; }, stop),
               Interrupted);
  for (const std::string& name : stored()) {
    if (name.ends_with(".residual")) damage(store() / name, 4096 + 600 * 24 * 2 + 7);
  }
  const auto again = session("llama");
  expect_user_error([&] { read(*again, text); }, ".residual");
}

TEST_F(StoreTest, TheOldestUsedGoFirst) {
  using namespace std::chrono_literals;
  const auto bytes = std::filesystem::file_size(read(*session("llama"), make_text(300, 1)).path);
  std::this_thread::sleep_for(20ms);
  const auto second = read(*session("llama"), make_text(300, 2)).path;
  std::this_thread::sleep_for(20ms);
  ReadingResult used;
  ASSERT_TRUE(session("llama")->open_kept(make_text(300, 1).text_hash, &used));
  std::this_thread::sleep_for(20ms);
  const auto third = read(*session("llama", true, 2 * bytes + 100), make_text(300, 3)).path;
  EXPECT_FALSE(std::filesystem::exists(second));
  EXPECT_TRUE(std::filesystem::exists(used.path));
  EXPECT_TRUE(std::filesystem::exists(third));
  const auto large = read(*session("llama", true, 10), make_text(300, 4)).path;  // more than fits: only what is open
  EXPECT_EQ(stored(), std::vector<std::string>{large.filename()});
}

TEST_F(StoreTest, UsingAContinuationUsesWhatItContinues) {
  using namespace std::chrono_literals;
  const auto root = read(*session("llama"), make_text(600)).path;
  const auto leaf = read(*session("llama"), make_text(900)).path;
  std::this_thread::sleep_for(20ms);
  const auto other = read(*session("llama"), make_text(600, 2)).path;
  std::this_thread::sleep_for(20ms);
  ReadingResult used;
  ASSERT_TRUE(session("llama")->open_kept(make_text(900).text_hash, &used));
  const auto total = std::filesystem::file_size(root) + std::filesystem::file_size(leaf);
  ReadingStore(store()).evict(total, "");
  EXPECT_TRUE(std::filesystem::exists(root) && std::filesystem::exists(leaf));
  EXPECT_FALSE(std::filesystem::exists(other));
  EXPECT_TRUE(ReadingStore(store()).remove(root.stem()));
  EXPECT_TRUE(stored().empty()) << "a continuation without its beginning";
  EXPECT_FALSE(ReadingStore(store()).remove(root.stem()));
  EXPECT_FALSE(ReadingStore(store()).remove("../" + root.stem().string()));
}

TEST_F(StoreTest, AReadingThatContinuesItself) {
  read(*session("llama"), make_text(600));
  const auto leaf = read(*session("llama"), make_text(900)).path;
  std::string bytes = read_bytes(leaf);
  const std::size_t parent = bytes.find("\"parent\":\"") + 10;
  bytes.replace(parent, leaf.stem().string().size(), leaf.stem().string());
  std::ofstream(leaf, std::ios::binary) << bytes;
  const ReadingStore readings(store());
  expect_user_error([&] { readings.open(leaf.stem(), Model(tiny_folder("llama")).config()); }, "continues itself");
  readings.touch(leaf.stem());
  readings.evict(0, leaf.stem());
  EXPECT_TRUE(std::filesystem::exists(leaf));
  EXPECT_TRUE(readings.remove(leaf.stem()));
  EXPECT_FALSE(std::filesystem::exists(leaf));
}

TEST_F(StoreTest, ListTellsOfReadingsAndSkipsStrangers) {
  const auto path = read(*session("llama"), make_text(300)).path;
  std::ofstream(store() / "stranger.safetensors") << "no reading";
  const std::vector<ReadingInfo> infos = ReadingStore(store()).list();
  ASSERT_EQ(infos.size(), 1u);
  EXPECT_EQ(infos[0].id, path.stem());
  EXPECT_EQ(infos[0].tokens, 300);
  EXPECT_EQ(infos[0].document, "text");
  EXPECT_EQ(infos[0].bytes, std::filesystem::file_size(path));
}

// Runs `action` in a child process; its exit status.
template <typename Action>
pid_t in_child(const Action& action) {
  const pid_t child = ::fork();
  if (child == 0) {
    int code = 1;
    try {
      code = action();
    } catch (...) {
    }
    ::_exit(code);
  }
  return child;
}

int exit_code(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

TEST_F(StoreTest, TwoWritersOfOneText) {
  const ReadingInput text = make_text(2000);
  const std::string answer = fresh_answer("gemma", text);
  std::vector<pid_t> children;
  for (int i = 0; i < 3; ++i) {
    children.push_back(in_child([&] {
      Threads own(1);
      const Model model(tiny_folder("gemma"));
      SessionOptions options;
      options.store = store();
      options.exact = true;
      Session writer(model, 5, own, options);
      writer.read(text, nullptr, never_);
      const std::vector<TokenId> question = {3, 1, 4, 1, 5};
      return writer.ask(question, tokenizer_, {}, {}, 20, nullptr, never_).text == answer ? 0 : 2;
    }));
  }
  for (const pid_t child : children) EXPECT_EQ(exit_code(child), 0);
  EXPECT_EQ(stored().size(), 1u);
}

TEST_F(StoreTest, AFullDiskIsAnErrorAndTheReadingGoesOnAfterwards) {
  const ReadingInput text = make_text(3000);
  const std::string answer = fresh_answer("llama", text);
  const auto size = std::filesystem::file_size(read(*session("llama"), text).path);
  for (const std::uintmax_t limit : {size / 100, size / 3, size * 3 / 4}) {
    std::filesystem::remove_all(store());
    EXPECT_EQ(exit_code(in_child([&] {
                std::signal(SIGXFSZ, SIG_IGN);
                const rlimit small{limit, limit};
                ::setrlimit(RLIMIT_FSIZE, &small);
                Threads own(1);
                const Model model(tiny_folder("llama"));
                SessionOptions options;
                options.store = store();
                options.exact = true;
                try {
                  Session(model, 5, own, options).read(text, nullptr, never_);
                } catch (const UserError& error) {
                  return std::string(error.what()).find(store().string()) != std::string::npos ? 3 : 4;
                }
                return 0;
              })),
              3);
    const auto again = session("llama");
    std::size_t first_layer = 9;
    again->read(
        text, [&](const ReadingProgress& p) { first_layer = std::min(first_layer, p.layer); }, never_);
    EXPECT_EQ(first_layer, limit > size / 2 ? 1u : 0u);
    EXPECT_EQ(ask(*again).text, answer);
  }
}

TEST_F(StoreTest, AFolderThatCannotBeWrittenTo) {
  std::ofstream(store()) << "a file";
  const auto kept = session("llama");
  expect_user_error([&] { read(*kept, make_text(300)); }, store().string());
  const auto unkept = session("llama", false);
  expect_user_error([&] { read(*unkept, make_text(300)); }, store().string());
}

}  // namespace
}  // namespace tome
