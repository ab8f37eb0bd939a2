#include "train/encode_chat.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "text/chat.h"
#include "text/prompt.h"

namespace tome {
namespace {

constexpr std::int64_t kLeastMessage = 64;  // tokens that a cut message keeps

std::int64_t size_of(const std::vector<TokenId>& ids) { return static_cast<std::int64_t>(ids.size()); }

std::int64_t frame_tokens(const ChatExchange& exchange) {
  return size_of(exchange.before) + size_of(exchange.after) + size_of(exchange.answer);
}

std::int64_t shortest(const std::vector<TokenId>& message) { return std::min(size_of(message), kLeastMessage); }

// Drops the oldest exchanges until the others fit with their messages cut as far as may be. The first exchange's own
// opening words stay.
void drop_oldest(ChatPrompt& chat, std::int64_t window, const std::string& name, EncodedRow& out) {
  const std::int64_t head = size_of(chat.opening) + shortest(chat.system) + size_of(chat.after_system);
  std::int64_t least = head;
  for (const ChatExchange& exchange : chat.exchanges) least += frame_tokens(exchange) + shortest(exchange.question);
  const std::vector<TokenId> opening = chat.exchanges.front().before;
  std::size_t count = 0;
  while (least > window && count + 1 < chat.exchanges.size()) {
    const ChatExchange& oldest = chat.exchanges[count++];
    ChatExchange& next = chat.exchanges[count];
    least -= frame_tokens(oldest) + shortest(oldest.question) + size_of(next.before) - size_of(opening);
    out.cut_tokens += frame_tokens(oldest) + size_of(oldest.question);
    next.before = opening;
  }
  if (least > window) {
    throw_user_error(name, ": an exchange takes ", least, " tokens even when its message is cut to ", kLeastMessage,
                     ", more than --context ", window, "; give at least --context ", least);
  }
  out.dropped_exchanges += static_cast<std::int64_t>(count);
  chat.exchanges.erase(chat.exchanges.begin(), chat.exchanges.begin() + static_cast<std::ptrdiff_t>(count));
}

// The common length to which messages are cut so that they take at most `room` together.
std::int64_t common_length(const std::vector<std::vector<TokenId>*>& messages, std::int64_t room) {
  std::int64_t low = kLeastMessage, high = room;
  while (low < high) {
    const std::int64_t middle = low + (high - low + 1) / 2;
    std::int64_t taken = 0;
    for (const auto* message : messages) taken += std::min(size_of(*message), middle);
    (taken <= room ? low : high) = taken <= room ? middle : middle - 1;
  }
  return low;
}

void cut_middles(ChatPrompt& chat, std::int64_t window, EncodedRow& out) {
  std::vector<std::vector<TokenId>*> messages = {&chat.system};
  std::int64_t room = window - size_of(chat.opening) - size_of(chat.after_system);
  std::int64_t taken = size_of(chat.system);
  for (ChatExchange& exchange : chat.exchanges) {
    messages.push_back(&exchange.question);
    room -= frame_tokens(exchange);
    taken += size_of(exchange.question);
  }
  if (taken <= room) return;
  const std::int64_t length = common_length(messages, room);
  for (auto* message : messages) {
    const std::int64_t excess = size_of(*message) - length;
    if (excess <= 0) continue;
    const auto from = message->begin() + length / 2;
    message->erase(from, from + excess);
    out.cut_tokens += excess;
  }
}

}  // namespace

EncodedRow encode_chat_row(const DataRow& row, const std::string& name, const Tokenizer& tokenizer,
                           const Layout& layout, const EncodeOptions& options) {
  EncodedRow out;
  ChatPrompt chat = encode_chat(tokenizer, layout, row.document, row.questions);
  for (const QuestionAnswer& pair : row.questions) {
    if (ends_at_line(*chat.layout) && pair.answer.find('\n') != std::string::npos) ++out.long_answers;
  }
  drop_oldest(chat, options.window, name, out);
  cut_middles(chat, options.window, out);
  out.cut_examples = out.cut_tokens > 0 ? 1 : 0;
  const bool all = options.train_on == TrainOn::kAll;
  ExampleBuilder example(name);
  for (const auto* ids : {&chat.opening, &chat.system, &chat.after_system}) example.append(*ids, all);
  for (const ChatExchange& exchange : chat.exchanges) {
    for (const auto* ids : {&exchange.before, &exchange.question, &exchange.after}) example.append(*ids, all);
    example.append(exchange.answer, true);
  }
  out.examples.push_back(example.finish());
  return out;
}

}  // namespace tome
