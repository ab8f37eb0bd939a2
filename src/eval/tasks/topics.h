// Topic retrieval: conversations about many topics, one after the other, and one of the topics is asked for. The task
// is that of LongEval (Li et al. 2023) and of Anima, which asks it at 100K tokens.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "eval/choices.h"
#include "eval/task.h"

namespace tome::eval {

struct Conversation {
  std::string topic, text;
};

struct Conversations {
  std::vector<Conversation> all;   // no two topics alike after normalise_topic
  std::vector<std::string> notes;  // what was left out
};

/// A JSON list of objects with TOPIC and CONVERSATION, as Anima's file. Left out: those whose topic came before, and
/// those that do not say their topic in its own words. Throws UserError: `FILE: entry N: reason`.
Conversations read_conversations(const std::filesystem::path& path);

/// Which conversations to take, in random order, for at most `budget` tokens and as near to it as can be. `tokens`: of
/// each. Empty: not even the shortest fits.
std::vector<std::size_t> choose_conversations(Choices choices, std::span<const std::int64_t> tokens,
                                              std::int64_t budget);

/// Leaves out the conversations whose topic is one of `measured`, with a note. Throws UserError when none is left.
void leave_out_topics(Conversations& conversations, const Conversations& measured);

/// The conversations `order` as a document. For training in other words than the measured ones; so below.
std::string topic_record(const Conversations& conversations, std::span<const std::size_t> order, bool for_training);
/// Asks for topic `place` (from 0) of `count`: "first", "last", or by number.
std::string topic_question(std::size_t place, std::size_t count, bool for_training);

/// LongEval's own file, a JSON object a line: prompt, topics; the first topic is asked for. Document and question
/// together are the prompt. Throws UserError: `FILE:N: reason`.
EvalSet read_longeval_topics(const TaskRequest& request, const std::filesystem::path& path);

}  // namespace tome::eval
