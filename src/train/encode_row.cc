#include "train/encode_row.h"

#include <algorithm>

#include "base/error.h"
#include "train/encode_chat.h"
#include "train/encode_questions.h"

namespace tome {
namespace {

EncodedRow encode_text(const DataRow& row, const std::string& name, const Tokenizer& tokenizer,
                       const EncodeOptions& options) {
  const std::vector<TokenId> ids = tokenizer.encode(row.document).ids;
  const auto window = static_cast<std::size_t>(options.window);
  EncodedRow out;
  for (std::size_t begin = 0; begin < ids.size();) {
    std::vector<TokenId> first;
    if (tokenizer.add_bos()) {
      first.push_back(tokenizer.bos());
    } else if (begin > 0) {
      first.push_back(ids[begin - 1]);
    }
    const std::size_t end = std::min(ids.size(), begin + window - first.size());
    ExampleBuilder example(name);
    example.append(first, false);
    example.append({ids.begin() + static_cast<std::ptrdiff_t>(begin), ids.begin() + static_cast<std::ptrdiff_t>(end)},
                   true);
    out.examples.push_back(example.finish());
    begin = end;
  }
  return out;
}

}  // namespace

TrainOn parse_train_on(const std::string& name) {
  if (name == "answers") return TrainOn::kAnswers;
  if (name == "all") return TrainOn::kAll;
  throw_user_error("--train-on: got \"", name, "\", expected answers or all");
}

EncodedRow encode_row(const DataRow& row, const std::string& name, const Tokenizer& tokenizer, const Layout& layout,
                      const EncodeOptions& options) {
  TOME_CHECK(options.window >= 2);
  switch (row.kind) {
    case DataRow::Kind::kQuestions:
      return encode_questions(row, name, tokenizer, layout, options);
    case DataRow::Kind::kChat:
      return encode_chat_row(row, name, tokenizer, layout, options);
    default:
      return encode_text(row, name, tokenizer, options);
  }
}

}  // namespace tome
