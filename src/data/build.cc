#include "data/build.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "data/book_sources.h"
#include "data/question_sets.h"
#include "data/task_source.h"
#include "formats/new_file.h"

namespace tome::data {
namespace {

struct Turn {
  std::string name;
  double weight = 0;
  std::unique_ptr<RowSource> source;  // null: it has no more
  std::int64_t rows = 0;
};

// The source that is furthest behind its share.
Turn* next_turn(std::vector<Turn>& turns) {
  Turn* best = nullptr;
  for (Turn& turn : turns) {
    if (!turn.source) continue;
    const auto behind = [](const Turn& t) { return static_cast<double>(t.rows + 1) / t.weight; };
    if (best == nullptr || behind(turn) < behind(*best)) best = &turn;
  }
  return best;
}

}  // namespace

std::unique_ptr<RowSource> make_source(const std::string& name, const BuildRequest& request) {
  if (std::unique_ptr<RowSource> source = make_book_source(name, request)) return source;
  if (std::unique_ptr<RowSource> source = make_question_set(name, request)) return source;
  return make_task_source(eval::find_task(name), name, request);
}

std::string row_line(const BuiltRow& row) {
  nlohmann::ordered_json questions = nlohmann::ordered_json::array();
  for (const BuiltQuestion& one : row.questions) {
    nlohmann::ordered_json question = {{"question", one.question}, {"answer", one.answer}};
    if (one.depth >= 0) question["depth"] = std::round(one.depth * 1000) / 1000;
    questions.push_back(std::move(question));
  }
  nlohmann::ordered_json line = {{"document", row.document},
                                 {"questions", std::move(questions)},
                                 {"source", row.source},
                                 {"licence", row.licence}};
  if (!row.document_id.empty()) line["document_id"] = row.document_id;
  line["tokens"] = row.tokens;
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

std::vector<MixPart> parse_mix(const std::string& text) {
  std::vector<MixPart> mix;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.size(), text.find(',', at));
    const std::string part = text.substr(at, end - at);
    const std::size_t equals = std::min(part.size(), part.find('='));
    MixPart one{part.substr(0, equals), 1};
    const char* begin = part.data() + std::min(part.size(), equals + 1);
    const char* const last = part.data() + part.size();
    const auto parsed = std::from_chars(begin, last, one.weight);
    const bool good = equals == part.size() || (parsed.ec == std::errc() && parsed.ptr == last);
    if (!good || one.source.empty() || !(one.weight > 0 && one.weight <= 1e6)) {
      throw_user_error("--mix: got \"", part, "\", expected NAME=WEIGHT with a weight over 0, such as order=1,keys=2");
    }
    const auto same = [&](const MixPart& other) { return other.source == one.source; };
    if (std::any_of(mix.begin(), mix.end(), same)) throw_user_error("--mix: names ", one.source, " twice");
    mix.push_back(std::move(one));
    at = end + 1;
  }
  return mix;
}

BuildResult build_rows(const std::vector<MixPart>& mix, const BuildRequest& request, std::int64_t rows,
                       const std::filesystem::path& out, const std::function<void(std::int64_t)>& progress) {
  std::vector<Turn> turns;
  turns.reserve(mix.size());
  for (const MixPart& part : mix) turns.push_back({part.source, part.weight, make_source(part.source, request), 0});
  BuildResult result;
  NewFile file(out);
  while (rows == 0 || result.rows < rows) {
    Turn* turn = next_turn(turns);
    if (turn == nullptr) break;
    const std::optional<BuiltRow> row = turn->source->next();
    if (row) {
      file.write(row_line(*row));
      ++turn->rows;
      ++result.rows;
      result.questions += static_cast<std::int64_t>(row->questions.size());
      result.tokens += row->tokens;
      if (progress) progress(result.rows);
      continue;
    }
    for (std::string& note : turn->source->notes()) result.notes.push_back(cat(turn->name, ": ", note));
    if (rows > 0) result.notes.push_back(cat(turn->name, ": has no more than ", turn->rows, " rows"));
    turn->source.reset();
  }
  if (result.rows == 0) throw_user_error(out.string(), ": no row was made; widen --tokens or name other sources");
  for (const Turn& turn : turns) {
    result.sources.emplace_back(turn.name, turn.rows);
    if (!turn.source) continue;
    for (const std::string& note : turn.source->notes()) result.notes.push_back(cat(turn.name, ": ", note));
  }
  file.finish();
  return result;
}

}  // namespace tome::data
