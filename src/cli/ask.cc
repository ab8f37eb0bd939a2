// tome ask FILE... [QUESTION]: reads a text once, answers questions about it.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/number_text.h"
#include "base/resources.h"
#include "cli/ask_input.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/interrupt.h"
#include "cli/machine.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/prompt.h"
#include "cli/validators.h"
#include "model/plan.h"
#include "read/session.h"
#include "text/document.h"
#include "text/layout.h"
#include "text/prompt.h"

namespace tome::cli {
namespace {

namespace fs = std::filesystem;

struct Flags {
  ModelFlags model;
  std::vector<std::string> arguments;
  std::string question, layout, store;
  std::vector<std::string> stops;
  std::string memory;
  std::string most_tokens = "200", reserve = "512", store_limit = "20GiB";
  InputOptions input;
  bool asked = false;  // there is a question, by --question or as the last argument
  bool json = false, no_keep = false, question_first = false;
  bool adapter_is_default = false;  // no flag named it
  SamplerOptions sampling;
};

/// What the flags say in words, as numbers.
struct Limits {
  std::int64_t answer, reserve;  // tokens
  std::uint64_t store;           // bytes
  std::uint64_t memory;          // bytes; 0: not bounded
};

// Before anything is opened.
Limits parse_limits(const Flags& flags) {
  const SamplerOptions& s = flags.sampling;
  for (const double value : {static_cast<double>(s.temperature), static_cast<double>(s.top_p),
                             static_cast<double>(s.min_p), static_cast<double>(s.repetition_penalty)}) {
    if (std::isnan(value)) {
      throw_user_error("--temperature, --top-p, --min-p, --repetition-penalty: got nan, expected a number");
    }
  }
  const auto bytes = [](const char* flag, const std::string& text) {
    return static_cast<std::uint64_t>(parse_bytes(flag, text));
  };
  return {parse_count("--max-tokens", flags.most_tokens), parse_count("--reserve", flags.reserve),
          bytes("--store-limit", flags.store_limit), flags.memory.empty() ? 0 : bytes("--memory", flags.memory)};
}

// Splits FILE... [QUESTION]: the last argument is the question when it holds a blank and names no file.
std::vector<fs::path> split_arguments(Flags& flags) {
  std::vector<std::string> files = flags.arguments;
  const bool last_asks = files.back().find_first_of(" \t\n") != std::string::npos && !file_exists(files.back());
  if (!flags.asked && files.size() > 1 && last_asks) {
    flags.question = files.back();
    flags.asked = true;
    files.pop_back();
  }
  for (const std::string& file : files) {
    if (file != "-" && !file_exists(file))
      throw_user_error("no file \"", file, "\"; a question goes last, or after --question");
  }
  if (flags.asked && flags.question.find_first_not_of(" \t\r\n") == std::string::npos) {
    throw_user_error("the question is empty; leave it out to be prompted for questions");
  }
  if (!flags.asked && std::find(files.begin(), files.end(), "-") != files.end()) {
    throw_user_error("-: stdin is the text, so no question can come from it; give one after --question");
  }
  if (!flags.asked && flags.question_first)
    throw_user_error("--question-first: needs the question on the command line");
  return {files.begin(), files.end()};
}

void print_json(const Answer& answer, const ReadingResult& reading, const Cut& cut, const Flags& flags,
                double first_token) {
  const nlohmann::json object = {
      {"schema_version", 1},
      {"answer", answer.text},
      {"model", flags.model.model},
      {"adapter", flags.model.adapter},
      {"finish_reason", answer.finish_reason},
      {"tokens",
       {{"document", reading.tokens},
        {"question", answer.question_tokens},
        {"answer", answer.answer_tokens},
        {"cut", cut.tokens}}},
      {"seconds", {{"read", reading.seconds}, {"first_token", first_token}, {"answer", answer.seconds}}},
      {"peak_rss_bytes", peak_rss()},
      {"peak_private_bytes", peak_private()},
      {"reading", {{"path", reading.path.string()}, {"reused_tokens", reading.reused_tokens}}}};
  std::cout << object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

double hundredths(double value) { return std::round(value * 100) / 100; }

class Conversation {
 public:
  Conversation(Flags& flags, const Limits& limits, const std::vector<fs::path>& files)
      : flags_(flags),
        limits_(limits),
        open_(open_model(flags.model)),
        threads_(flags.model.thread_count()),
        layout_(choose_layout(open_, flags.model, flags.layout, question_layout(*open_.tokenizer))),
        session_(*open_.model, open_.tokenizer->fingerprint(), threads_, session_options()) {
    read(files);
  }

  void ask(const std::string& question) {
    const std::vector<TokenId> ids = encode_question(*open_.tokenizer, layout_, question);
    const std::int64_t room =
        open_.model->config().context_length - reading_.tokens - static_cast<std::int64_t>(ids.size());
    if (room < 1) {
      throw_user_error("the question has ", ids.size(), " tokens, but the window has room for only ",
                       open_.model->config().context_length - reading_.tokens,
                       " after the text; ask shorter, or read with a larger --reserve");
    }
    const double before = process_seconds();
    std::vector<std::string> stops = layout_.stops;
    stops.insert(stops.end(), flags_.stops.begin(), flags_.stops.end());
    bool begun = false;
    const auto show = [&](std::string_view piece) {
      if (flags_.json) return;
      if (!begun) piece.remove_prefix(std::min(piece.find_first_not_of(' '), piece.size()));
      begun = begun || !piece.empty();
      std::cout << piece;
      finish_stdout();
    };
    const Answer answer = session_.ask(ids, *open_.tokenizer, stops, flags_.sampling, std::min(limits_.answer, room),
                                       show, stop_requested());
    if (flags_.json) {
      print_json(answer, reading_, cut_, flags_, before + answer.first_token_seconds);
    } else {
      std::cout << '\n';
    }
    finish_stdout();
    const char* end = answer.finish_reason == "interrupted" ? "; stopped"
                      : answer.finish_reason == "length"    ? "; cut off by --max-tokens or the window"
                                                            : "";
    note(cat("[", answer.question_tokens, " + ", answer.answer_tokens, " tokens, first after ",
             hundredths(answer.first_token_seconds), " s, all in ", hundredths(answer.seconds), " s", end, "]"));
  }

 private:
  SessionOptions session_options() const {
    SessionOptions options;
    options.exact = flags_.model.exact;
    options.kv = flags_.model.kv_type();
    options.keep = !flags_.no_keep;
    options.store = store_folder(flags_.store);
    options.adapters = open_.adapters();
    options.adapter_fingerprint = open_.adapter_fingerprint();
    options.store_bytes = limits_.store;
    return options;
  }

  void read(const std::vector<fs::path>& files) {
    const Document document = read_documents(files);
    if (!flags_.model.quiet) print_notes(document);
    const std::int64_t window = open_.model->config().context_length;
    InputOptions options = flags_.input;
    options.reserve = limits_.reserve;
    if (flags_.question_first) {
      options.first_question = flags_.question;
      note("--question-first: this reading serves this question alone; another one reads the text again");
    }
    const std::uint64_t hash = hash_input(document, layout_, options, window);
    if (options.cut.empty() && session_.open_kept(hash, &reading_)) {
      bound_memory(reading_.tokens);
      note(cat(document.name, ": ", grouped(reading_.tokens), " tokens, already read"));
      return;
    }
    ReadingInput input = make_input(document, *open_.tokenizer, layout_, options, window, flags_.model.model, &cut_);
    input.text_hash = hash;
    if (cut_.tokens > 0) {
      note(
          cat("cut (", options.cut, "): ", grouped(cut_.tokens), " tokens, ", grouped(cut_.characters), " characters"));
    }
    bound_memory(static_cast<std::int64_t>(input.tokens.size()));
    ProgressLine line(flags_.model.quiet);
    const auto total = static_cast<double>(input.tokens.size());
    reading_ = session_.read(
        input,
        [&](const ReadingProgress& p) {
          sample_private_peak();
          const auto rows = static_cast<double>(p.rows);
          line.show(cat("reading ", document.name),
                    static_cast<double>(p.layer) * rows + static_cast<double>(p.rows_done),
                    static_cast<double>(p.layers) * rows, rows);
        },
        stop_requested());
    line.clear();
    note(cat(document.name, ": ", grouped(reading_.tokens), " tokens read in ", clock_time(reading_.seconds), " (",
             std::round((total - static_cast<double>(reading_.reused_tokens)) / std::max(reading_.seconds, 1e-3)),
             " tokens/s",
             reading_.reused_tokens > 0 ? cat(", ", grouped(reading_.reused_tokens), " reused") : std::string(), ")"));
    if (flags_.adapter_is_default) {
      note(cat("with ", fs::path(flags_.model.adapter).filename().string(),
               ", an adapter made for questions; --adapter none leaves it out"));
    }
  }

  // Before any work: a plan that fits, or an error.
  void bound_memory(std::int64_t tokens) {
    const PlanModel model = plan_model(*open_.model);
    PlanOptions options;
    options.tokens = tokens;
    options.threads = threads_.count();
    options.precision = flags_.model.exact ? Precision::kExact : Precision::kInt8;
    options.kv = flags_.model.kv_type();
    if (open_.adapter) options.count_adapter(*open_.adapter);
    if (limits_.memory > 0) {
      options = fit_memory(model, options, limits_.memory);
      session_.bound_memory(options.chunk_rows);
    }
    refuse_too_large(make_plan(model, options), installed_memory());
  }

  void note(const std::string& text) const {
    if (!flags_.model.quiet) std::cerr << one_line(text) << '\n';
  }

  Flags& flags_;
  const Limits limits_;
  OpenModel open_;
  Threads threads_;
  const Layout& layout_;
  Session session_;
  ReadingResult reading_;
  Cut cut_;
};

// Without --adapter, the one that lies beside the model, unless a flag asks for what it was not trained for.
void choose_adapter(Flags& flags) {
  ModelFlags& model = flags.model;
  if (model.adapter == "none") {
    model.adapter.clear();
  } else if (model.adapter.empty() && flags.layout.empty() && model.context.empty() && model.rope_scaling.empty()) {
    model.adapter = answering_adapter(find_model(model.model)).string();
    flags.adapter_is_default = !model.adapter.empty();
  }
}

void run(Flags& flags) {
  const std::vector<fs::path> files = split_arguments(flags);
  const Limits limits = parse_limits(flags);
  choose_adapter(flags);
  catch_signals();
  Conversation conversation(flags, limits, files);
  if (flags.asked) {
    conversation.ask(flags.question);  // the exit code tells of a signal
  } else {
    prompt([&](const std::string& question) { conversation.ask(question); });
  }
}

}  // namespace

void add_ask(CLI::App& app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* c = app.add_subcommand("ask", "read a text once, answer questions about it");
  c->footer(
      "examples:\n  tome ask book.epub \"Who killed Kim?\"\n  tome ask contract.pdf            a prompt to ask more\n"
      "  cat notes.txt | tome ask - --question \"When is the meeting?\"");
  flags->model.add_to(*c);
  flags->model.add_adapter_to(*c, "; default: MODEL.answers beside the model, where it is; none: without");
  c->add_option("FILE", flags->arguments,
                "documents (txt, md, html, epub, pdf, folders, - for stdin), then the question")
      ->required();
  CLI::Option* question = c->add_option("--question", flags->question, "the question, outright");
  c->add_flag("--question-first", flags->question_first,
              "the question before the text too: a reading for each question");
  c->add_option("--memory", flags->memory, "the most resident memory, e.g. 2GiB; see tome plan");
  c->add_option("--layout", flags->layout,
                "how text and question are put (docs/layouts.md); default: what suits the model");
  c->add_option("--cut", flags->input.cut, "what to leave out of a text that is too long")
      ->check(CLI::IsMember({"middle", "end", "random-middle"}));
  c->add_option("--cut-seed", flags->input.cut_seed, "for --cut random-middle")->capture_default_str();
  c->add_option("--reserve", flags->reserve, "tokens of the window kept for question and answer")
      ->capture_default_str();
  c->add_option("--max-tokens", flags->most_tokens, "longest answer")->capture_default_str();
  c->add_option("--stop", flags->stops, "an answer ends before this text; may be given again")->allow_extra_args(false);
  c->add_option("--temperature", flags->sampling.temperature, "0: greedy")
      ->check(between(0.0, 100.0))
      ->capture_default_str();
  c->add_option("--top-k", flags->sampling.top_k, "0: all")->check(CLI::NonNegativeNumber)->capture_default_str();
  c->add_option("--top-p", flags->sampling.top_p)->check(between(0.0, 1.0))->capture_default_str();
  c->add_option("--min-p", flags->sampling.min_p)->check(between(0.0, 1.0))->capture_default_str();
  c->add_option("--repetition-penalty", flags->sampling.repetition_penalty)
      ->check(between(0.01, 100.0))
      ->capture_default_str();
  c->add_option("--seed", flags->sampling.seed)->check(CLI::NonNegativeNumber)->capture_default_str();
  c->add_option("--store", flags->store, "folder of kept readings")->envname("TOME_STORE");
  c->add_option("--store-limit", flags->store_limit, "the oldest-used readings go above this size")
      ->envname("TOME_STORE_LIMIT")
      ->capture_default_str();
  c->add_flag("--no-keep", flags->no_keep, "leave nothing on disk");
  c->add_flag("--json", flags->json, "one JSON object an answer on stdout");
  c->callback([flags, question] {
    flags->asked = question->count() > 0;
    run(*flags);
  });
}

}  // namespace tome::cli
