#include "eval/answerers/local_answerer.h"

#include <xxhash.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "text/prompt.h"

namespace tome::eval {
namespace {

constexpr std::int64_t kSpareTokens = 32;

void add(std::vector<TokenId>& ids, const std::vector<TokenId>& more) {
  ids.insert(ids.end(), more.begin(), more.end());
}

}  // namespace

LocalAnswerer::LocalAnswerer(const Model& model, const Tokenizer& tokenizer, Threads& threads, Options options)
    : model_(model), tokenizer_(tokenizer), threads_(threads), options_(std::move(options)) {
  options_.session.keep = true;
  options_.session.store = options_.folder;
}

std::int64_t LocalAnswerer::frame_tokens() const {
  const std::size_t around = encode_document(tokenizer_, *options_.layout, "").ids.size() +
                             encode_question(tokenizer_, *options_.layout, "").size();
  return static_cast<std::int64_t>(around) + kSpareTokens;
}

std::vector<TokenId> LocalAnswerer::prompt(const EvalSample& sample) const {
  const Layout& layout = *options_.layout;
  std::vector<TokenId> ids;
  std::string question;
  for (const Shot& shot : sample.shots) {
    if (layout.control_tokens) {  // a chat's turns: the examples are part of what the user says
      question += cat("Question: ", shot.question, "\nAnswer: ", shot.answer, "\n\n");
      continue;
    }
    add(ids, encode_question(tokenizer_, layout, shot.question));
    add(ids, encode_answer(tokenizer_, layout, shot.answer));
  }
  add(ids, encode_question(tokenizer_, layout, question + sample.question));
  if (!sample.answer_prefix.empty()) add(ids, encode_answer_begin(tokenizer_, layout, sample.answer_prefix));
  return ids;
}

EvalAnswer LocalAnswerer::ask(Session& session, const EvalSample& sample, std::int64_t document_tokens,
                              const std::atomic<bool>& stop) const {
  const std::vector<TokenId> ids = prompt(sample);
  const std::int64_t taken = document_tokens + static_cast<std::int64_t>(ids.size());
  const std::int64_t room = model_.config().context_length - taken;
  if (room < 1) {
    throw_user_error("sample ", sample.id, ": takes ", taken, " tokens, the window has ",
                     model_.config().context_length, "; give --too-long skip or cut, or a larger --context");
  }
  std::vector<std::string> stops = options_.layout->stops;
  if (!sample.one_line) std::erase(stops, "\n");  // an answer of several lines ends with the model's own end
  const Answer answer =
      session.ask(ids, tokenizer_, stops, SamplerOptions(), std::min(sample.answer_tokens, room), nullptr, stop);
  EvalAnswer result;
  result.text = answer.text;
  result.finish_reason = answer.finish_reason;
  result.prompt_tokens = static_cast<std::int64_t>(ids.size());
  result.answer_tokens = answer.answer_tokens;
  result.seconds = answer.seconds;
  return result;
}

void LocalAnswerer::answer(const EvalSet& set, std::span<const std::size_t> wanted,
                           const std::function<void(std::size_t, const EvalAnswer&)>& on_answer,
                           const std::function<void(const AnswerProgress&)>& progress, const std::atomic<bool>& stop) {
  AnswerProgress state;
  state.samples = wanted.size();
  for (std::size_t begin = 0; begin < wanted.size() && !stop;) {
    const std::size_t document = set.samples[wanted[begin]].document;
    const std::string& text = set.documents[document].text;
    DocumentPrompt read = encode_document(tokenizer_, *options_.layout, text);
    ReadingInput input;
    input.name = cat("document ", document);
    input.text_hash = XXH3_64bits(text.data(), text.size());
    input.tokens = std::move(read.ids);
    input.offsets = std::move(read.offsets);
    state.tokens = static_cast<double>(input.tokens.size());
    Session session(model_, tokenizer_.fingerprint(), threads_, options_.session);
    const auto show = [&](const ReadingProgress& p) {
      const auto rows = static_cast<double>(p.rows);
      state.part = (static_cast<double>(p.layer) * rows + static_cast<double>(p.rows_done)) /
                   (static_cast<double>(p.layers) * rows);
      if (progress) progress(state);
    };
    // The first question pays for the reading.
    double reading_seconds = session.read(input, show, stop).seconds;
    auto reading_tokens = static_cast<std::int64_t>(input.tokens.size());
    std::size_t end = begin;
    for (; end < wanted.size() && set.samples[wanted[end]].document == document && !stop; ++end) {
      EvalAnswer answer = ask(session, set.samples[wanted[end]], static_cast<std::int64_t>(input.tokens.size()), stop);
      if (answer.finish_reason == "interrupted") return;
      answer.cut_tokens = set.documents[document].cut_tokens;
      answer.seconds += std::exchange(reading_seconds, 0);
      answer.prompt_tokens += std::exchange(reading_tokens, 0);
      on_answer(wanted[end], answer);
      ++state.samples_done;
      state.part = 0;
      if (progress) progress(state);
    }
    if (end < wanted.size() && set.samples[wanted[end]].document == document) return;  // stopped
    std::error_code error;
    std::filesystem::remove_all(options_.folder, error);  // this document's questions are done
    begin = end;
  }
}

}  // namespace tome::eval
