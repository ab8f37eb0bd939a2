#include "eval/answerers/longeval_responses.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include "base/error.h"
#include "base/mapped_file.h"
#include "formats/printable.h"

namespace tome::eval {
namespace {

constexpr std::string_view kLabel = "Label: ", kPredict = ", Predict: ", kParsed = ", Parsed: ",
                           kPromptLength = ", prompt length: ", kAccuracy = "Accuracy: ";

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// The tail ", Parsed: M, prompt length: K" of a line, which ends a record; nothing when the line has none.
struct Tail {
  std::string_view before, parsed;
  std::int64_t prompt_tokens = 0;
};

std::optional<Tail> find_tail(std::string_view line) {
  const std::size_t length = line.rfind(kPromptLength);
  if (length == std::string_view::npos) return std::nullopt;
  const std::size_t parsed = line.substr(0, length).rfind(kParsed);
  if (parsed == std::string_view::npos) return std::nullopt;
  Tail tail{line.substr(0, parsed), line.substr(parsed + kParsed.size(), length - parsed - kParsed.size())};
  const std::string_view tokens = line.substr(length + kPromptLength.size());
  const auto [end, error] = std::from_chars(tokens.data(), tokens.data() + tokens.size(), tail.prompt_tokens);
  const bool whole = error == std::errc() && end == tokens.data() + tokens.size() && tail.prompt_tokens >= 0;
  if (!whole || !(tail.parsed == "-1" || is_number(tail.parsed))) return std::nullopt;
  return tail;
}

class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)) {}

  void take(std::string_view line) {
    ++number_;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!open_) {
      if (line.empty()) return;
      if (line.starts_with(kAccuracy) && !result_.accuracy) return take_accuracy(line.substr(kAccuracy.size()));
      begin_record(line);
    } else {
      response_.prediction += '\n';
    }
    const std::optional<Tail> tail = find_tail(rest_of(line));
    response_.prediction += tail ? tail->before : rest_of(line);
    open_ = !tail;
    if (tail) finish_record(*tail);
  }

  LongEvalResponses finish() {
    if (open_) throw_user_error(file_, ": line ", begin_, ": the record has no \"", kParsed, "\" up to the file's end");
    if (result_.responses.empty()) throw_user_error(file_, ": no \"", kLabel, "\" lines, expected answers of LongEval");
    return std::move(result_);
  }

 private:
  void begin_record(std::string_view line) {
    const std::size_t predict = line.find(kPredict);
    const std::string_view label = predict == std::string_view::npos || !line.starts_with(kLabel)
                                       ? ""
                                       : line.substr(kLabel.size(), predict - kLabel.size());
    if (!is_number(label)) {
      throw_user_error(file_, ": line ", number_, ": got ", in_quotes(line), ", expected \"Label: N, Predict: ...\"");
    }
    begin_ = number_;
    skip_ = predict + kPredict.size();
    response_ = {std::string(label), "", std::nullopt, 0};
  }
  std::string_view rest_of(std::string_view line) const { return number_ == begin_ ? line.substr(skip_) : line; }
  void finish_record(const Tail& tail) {
    if (tail.parsed != "-1") response_.parsed = std::string(tail.parsed);
    response_.prompt_tokens = tail.prompt_tokens;
    result_.responses.push_back(std::move(response_));
  }
  void take_accuracy(std::string_view text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !(value >= 0 && value <= 1)) {
      throw_user_error(file_, ": line ", number_, ": an accuracy of ", in_quotes(text), ", expected 0 to 1");
    }
    result_.accuracy = value;
  }

  std::string file_;
  std::size_t number_ = 0, begin_ = 0, skip_ = 0;
  bool open_ = false;
  LongEvalResponse response_;
  LongEvalResponses result_;
};

}  // namespace

LongEvalResponses read_longeval_responses(const std::filesystem::path& path) {
  const MappedFile file(path);
  std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  Reader reader(path.string());
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    reader.take(line);
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return reader.finish();
}

}  // namespace tome::eval
