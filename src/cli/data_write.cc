// tome data build --write-questions: a model writes questions, and those are kept that need the whole text.
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>

#include "base/error.h"
#include "base/number_text.h"
#include "cli/data_build.h"
#include "cli/eval_answerer.h"
#include "cli/eval_service.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "eval/answerers/bm25_index.h"
#include "formats/new_file.h"
#include "read/session.h"

namespace tome::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kNothingKept = 3;            // exit code
constexpr std::int64_t kWishTokens = 300;  // the wish for questions with what layouts put around

struct Written {
  std::int64_t texts = 0, rows = 0, tokens = 0;
  data::WrittenCounts counts;
};

// What the window leaves beside the longest of the questions and its answer.
data::TextRange range_of(const BuildFlags& flags, const EvalAnswerer& who) {
  data::TextRange range;
  if (!flags.tokens.empty()) std::tie(range.least, range.most) = token_range(flags.tokens);
  if (who.window() == 0) return range;
  const std::int64_t reply = std::max(data::proposal_tokens(flags.writing), flags.writing.answer_tokens);
  const std::int64_t room = who.window() - who.frame_tokens() - kWishTokens - reply;
  if (room < 1) {
    throw_user_error("--questions ", flags.writing.questions, ": their ", reply, " tokens leave no room for a text in ",
                     who.window(), "; ask for fewer, or give a larger --context");
  }
  range.most = range.most == 0 ? room : std::min(range.most, room);
  return range;
}

data::QuestionWriter writer_of(const BuildFlags& flags, EvalAnswerer& who) {
  const eval::PassageOptions passages{parse_count("--passages", flags.passages),
                                      parse_count("--passage-tokens", flags.passage_tokens)};
  const eval::TokenOffsets offsets = eval::offsets_of(who.tokenizer());
  const auto found = [passages, offsets](const eval::EvalSet& set) {
    eval::Bm25Retriever retriever;
    return eval::with_passages(set, retriever, passages, offsets);
  };
  return {who.answerer(), found, data::answer_score, flags.writing};
}

eval::CostEstimate cost_of(const EvalAnswerer& who, const data::QuestionWriter& writer,
                           const std::vector<data::WrittenText>& texts) {
  const PlannedView view{"whole", "whole", writer.first_questions(texts), {}};
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i < view.set.samples.size(); ++i) all.push_back(i);
  eval::CostEstimate cost;
  who.add_cost(cost, view, all);
  return cost;
}

// Rows up to a stop, or an error that no answer can come after, are kept.
Written write_rows(const BuildFlags& flags, const std::vector<data::WrittenText>& texts, data::QuestionWriter& writer) {
  Written written;
  NewFile file(flags.out);
  ProgressLine line(flags.answerer.model.quiet);
  const auto write = [&](const data::WrittenText& text) {
    const auto show = [&](const eval::AnswerProgress& p) {
      line.show(cat("text ", written.texts + 1, " of ", texts.size()), static_cast<double>(p.samples_done) + p.part,
                static_cast<double>(p.samples), p.tokens);
    };
    const std::optional<data::BuiltRow> row = writer.write(text, show, stop_requested());
    if (stop_requested()) return;
    ++written.texts;
    if (!row) return;
    file.write(data::row_line(*row));
    ++written.rows;
    written.tokens += row->tokens;
  };
  try {
    for (std::size_t i = 0; i < texts.size() && !stop_requested(); ++i) write(texts[i]);
  } catch (const Interrupted&) {  // the exit code tells of the signal
  } catch (const UserError&) {
    if (written.rows > 0) file.finish();
    throw;
  }
  written.counts = writer.counts();
  if (written.rows > 0) file.finish();
  return written;
}

void print(const Written& written, const BuildFlags& flags, const std::vector<std::string>& notes) {
  const data::WrittenCounts& counts = written.counts;
  if (!flags.answerer.model.quiet) {
    for (const std::string& note : notes) std::cerr << "note: " << one_line(note) << '\n';
  }
  if (flags.json) {
    std::cout << nlohmann::json({{"schema_version", 1},
                                 {"texts", written.texts},
                                 {"rows", written.rows},
                                 {"questions", counts.kept},
                                 {"tokens", written.tokens},
                                 {"unusable", counts.unusable},
                                 {"known_without", counts.known_without},
                                 {"found_in_passages", counts.found_in_passages},
                                 {"not_confirmed", counts.not_confirmed},
                                 {"failed", counts.failed},
                                 {"notes", notes}})
              << '\n';
    return;
  }
  std::cout << grouped(written.texts) << " texts read\n"
            << "  no question with an answer: " << grouped(counts.unusable) << " lines\n"
            << "  answered without the text: " << grouped(counts.known_without) << '\n'
            << "  answered from " << flags.passages << " passages: " << grouped(counts.found_in_passages) << '\n'
            << "  not answered with the whole text: " << grouped(counts.not_confirmed) << '\n'
            << "  no answer came: " << grouped(counts.failed) << '\n';
  if (written.rows == 0) return;
  std::cout << flags.out << ": " << grouped(written.rows) << " rows, " << grouped(counts.kept) << " questions, "
            << grouped(written.tokens) << " tokens of documents\n";
}

}  // namespace

void write_questions(const BuildFlags& flags) {
  catch_signals();
  const fs::path folder = flags.out + ".parts";
  EvalAnswerer who(flags.answerer, folder);
  std::vector<std::string> notes;
  const std::vector<data::WrittenText> texts =
      data::written_texts({flags.written_about.begin(), flags.written_about.end()}, range_of(flags, who),
                          flags.request.licence, who.tokenizer(), notes);
  data::QuestionWriter writer = writer_of(flags, who);
  agree_on_cost(flags.answerer, cost_of(who, writer, texts));
  const Written written = write_rows(flags, texts, writer);
  std::error_code error;
  fs::remove(folder, error);  // empty, unless a service's raw answers or a reading that was stopped are there
  print(written, flags, notes);
  if (written.rows > 0 || stop_requested()) return;
  finish_stdout();
  std::cerr << "tome: " << one_line(flags.out)
            << ": not written, no question passed every test; a larger model helps\n";
  throw CLI::RuntimeError(kNothingKept);
}

}  // namespace tome::cli
