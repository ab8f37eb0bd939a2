#include <algorithm>
#include <unordered_set>

#include "base/error.h"
#include "base/mapped_file.h"
#include "eval/scorers/topic_match.h"
#include "eval/tasks/topics.h"
#include "formats/json.h"

namespace tome::eval {
namespace {

constexpr std::string_view kIntro =
    "This is a conversation between a user and an assistant about several topics, one after the other. Keep the topics "
    "and their order in mind: one of them will be asked for.\n\n";

std::string text_of(const nlohmann::json& entry, const char* name, const std::string& where) {
  if (!entry.is_object()) throw_user_error(where, ": ", entry.type_name(), ", expected an object");
  const auto found = entry.find(name);
  if (found == entry.end() || !found->is_string()) throw_user_error(where, ": no text named ", name);
  return found->get<std::string>();
}

// 1st, 2nd, 3rd, 4th, 11th, 21st, ...
std::string ordinal(std::size_t number) {
  const bool teen = number / 10 % 10 == 1;
  const std::size_t last = teen ? 0 : number % 10;
  return cat(number, last == 1 ? "st" : last == 2 ? "nd" : last == 3 ? "rd" : "th");
}

// What the swap of a taken conversation for a free one, or a free one alone, would add: the most that still fits.
struct Change {
  std::int64_t gain = 0;
  std::size_t taken = 0, free = 0;  // places in the order; taken == count: nothing goes
};

Change best_change(std::span<const std::int64_t> tokens, const std::vector<std::size_t>& order, std::size_t count,
                   std::int64_t room) {
  Change best;
  for (std::size_t free = count; free < order.size(); ++free) {
    for (std::size_t taken = 0; taken <= count; ++taken) {
      const std::int64_t gain = tokens[order[free]] - (taken == count ? 0 : tokens[order[taken]]);
      if (gain > best.gain && gain <= room) best = {gain, taken, free};
    }
  }
  return best;
}

}  // namespace

Conversations read_conversations(const std::filesystem::path& path) {
  const MappedFile file(path);
  const nlohmann::json list = parse_json(file.bytes(), path.string(), 16);
  if (!list.is_array()) throw_user_error(path.string(), ": a JSON ", list.type_name(), ", expected a list");
  Conversations conversations;
  std::unordered_set<std::string> seen;
  std::size_t twice = 0, unnamed = 0;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string where = cat(path.string(), ": entry ", i + 1);
    Conversation one{text_of(list[i], "TOPIC", where), text_of(list[i], "CONVERSATION", where)};
    const std::string topic = normalise_topic(one.topic);
    if (topic.empty()) throw_user_error(where, ": TOPIC has no word");
    const bool is_new = seen.insert(topic).second;
    const bool is_named = cat(" ", normalise_topic(one.text), " ").find(cat(" ", topic, " ")) != std::string::npos;
    twice += is_new ? 0 : 1;
    unnamed += is_new && !is_named ? 1 : 0;
    if (is_new && is_named) conversations.all.push_back(std::move(one));
  }
  if (conversations.all.empty()) {
    throw_user_error(path.string(), ": no conversation says its TOPIC in its own words, so that none can be asked for");
  }
  if (twice > 0)
    conversations.notes.push_back(cat("topics: ", twice, " conversations left out, their topic came before"));
  if (unnamed > 0) {
    conversations.notes.push_back(
        cat("topics: ", unnamed, " conversations left out, they do not say their topic in its own words"));
  }
  return conversations;
}

std::vector<std::size_t> choose_conversations(Choices choices, std::span<const std::int64_t> tokens,
                                              std::int64_t budget) {
  std::vector<std::size_t> order = choices.several(tokens.size(), tokens.size());
  std::size_t count = 0;
  std::int64_t room = budget;
  while (count < order.size() && tokens[order[count]] <= room) room -= tokens[order[count++]];
  for (;;) {
    const Change change = best_change(tokens, order, count, room);
    if (change.gain == 0) break;
    room -= change.gain;
    std::swap(order[change.taken], order[change.free]);
    if (change.taken == count) ++count;
  }
  order.resize(count);
  choices.shuffle(order);
  return order;
}

void leave_out_topics(Conversations& conversations, const Conversations& measured) {
  std::unordered_set<std::string> topics;
  for (const Conversation& one : measured.all) topics.insert(normalise_topic(one.topic));
  const std::size_t left_out = std::erase_if(
      conversations.all, [&](const Conversation& one) { return topics.contains(normalise_topic(one.topic)); });
  if (conversations.all.empty()) {
    throw_user_error("topics: every conversation has a topic that is measured with; train on a file of others");
  }
  if (left_out > 0) {
    conversations.notes.push_back(cat("topics: ", left_out, " conversations left out, their topics are measured with"));
  }
}

std::string topic_record(const Conversations& conversations, std::span<const std::size_t> order, bool for_training) {
  std::string text(for_training ? std::string_view() : kIntro);
  for (const std::size_t one : order) text += conversations.all[one].text + "\n\n";
  return text;
}

std::string topic_question(std::size_t place, std::size_t count, bool for_training) {
  const std::string which = place == 0 ? "first" : place + 1 == count ? "last" : ordinal(place + 1);
  if (for_training)
    return cat("Which subject was talked about ", which, place == 0 || place + 1 == count ? "?" : " in turn?");
  return cat("What was the ", which, " topic of the conversation? Answer with the topic's name alone.");
}

}  // namespace tome::eval
