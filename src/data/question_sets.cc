#include "data/question_sets.h"

#include <algorithm>
#include <array>
#include <deque>

#include "base/error.h"
#include "data/question_set_files.h"
#include "eval/choices.h"

namespace tome::data {
namespace {

// Documents in an order by the seed, each cut into rows of so many questions.
class QuestionSet : public RowSource {
 public:
  QuestionSet(std::string_view name, const BuildRequest& request)
      : name_(name), request_(request), file_(open_question_file(name, request.data.find(name)->second)) {
    for (std::size_t i = 0; i < file_->documents(); ++i) order_.push_back(i);
    eval::Choices(request.seed, cat("data-", name)).shuffle(order_);
  }

  std::optional<BuiltRow> next() override {
    while (rows_.empty()) {
      if (at_ == order_.size()) return std::nullopt;
      add(file_->read(order_[at_++]));
    }
    BuiltRow row = std::move(rows_.front());
    rows_.pop_front();
    return row;
  }
  std::vector<std::string> notes() const override {
    std::vector<std::string> notes;
    if (unanswered_ > 0) notes.push_back(cat(unanswered_, " documents have no text or no answered question"));
    if (outside_ > 0) {
      notes.push_back(cat(outside_, " documents are not of ", request_.least_tokens, " to ", request_.most_tokens,
                          " tokens and are left out"));
    }
    return notes;
  }

 private:
  void add(BuiltRow row) {
    if (row.questions.empty() || row.document.empty()) {
      ++unanswered_;
      return;
    }
    row.tokens = request_.count_tokens(row.document);
    if (row.tokens < request_.least_tokens || row.tokens > request_.most_tokens) {
      ++outside_;
      return;
    }
    if (row.source.empty()) row.source = name_;
    if (row.licence.empty()) row.licence = request_.licence.empty() ? "unknown" : request_.licence;
    const std::vector<BuiltQuestion> all = std::move(row.questions);
    const auto each = static_cast<std::size_t>(request_.questions);
    for (std::size_t begin = 0; begin < all.size(); begin += each) {
      rows_.push_back(row);
      const auto first = all.begin() + static_cast<std::ptrdiff_t>(begin);
      rows_.back().questions.assign(first, first + static_cast<std::ptrdiff_t>(std::min(each, all.size() - begin)));
    }
  }

  std::string name_;
  BuildRequest request_;
  std::unique_ptr<QuestionFile> file_;
  std::vector<std::size_t> order_;
  std::size_t at_ = 0;
  std::deque<BuiltRow> rows_;
  std::int64_t outside_ = 0, unanswered_ = 0;
};

}  // namespace

bool is_question_set(std::string_view name) {
  constexpr std::array<std::string_view, 5> kNames = {"narrativeqa", "quality", "longalpaca", "longbench", "rows"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

std::unique_ptr<RowSource> make_question_set(std::string_view name, const BuildRequest& request) {
  if (!is_question_set(name)) return nullptr;
  if (request.data.find(name) == request.data.end()) {
    throw_user_error(name, ": needs --data ", name, "=PATH, the files that are published (docs/training-data.md)");
  }
  return std::make_unique<QuestionSet>(name, request);
}

}  // namespace tome::data
