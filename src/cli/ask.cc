// tome ask FILE... [QUESTION]: reads a text once, answers questions about it.
#include <histedit.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/resources.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/progress.h"
#include "read/session.h"
#include "text/document.h"
#include "text/layout.h"

namespace tome::cli {
namespace {

namespace fs = std::filesystem;

std::atomic<bool> stop_requested{false};

void on_interrupt(int) { stop_requested = true; }

struct Flags {
  ModelFlags model;
  std::vector<std::string> arguments;
  std::string question, layout, cut, store;
  std::string most_tokens = "200", reserve = "512", store_limit = "20GiB";
  std::uint64_t cut_seed = 0;
  bool json = false, no_keep = false;
  SamplerOptions sampling;
};

// Splits FILE... [QUESTION]: the last argument is the question when it holds a blank and names no file.
std::vector<fs::path> split_arguments(Flags& flags) {
  std::vector<std::string> files = flags.arguments;
  if (flags.question.empty() && files.size() > 1 && files.back().find(' ') != std::string::npos && !fs::exists(files.back())) {
    flags.question = files.back();
    files.pop_back();
  }
  for (const std::string& file : files) {
    if (file != "-" && !fs::exists(file)) {
      throw_user_error("no file \"", file, "\"; a question goes last, or after --question");
    }
  }
  return {files.begin(), files.end()};
}

// Everything that decides the reading besides the model's own settings.
std::uint64_t hash_text(const Document& document, const Layout& layout, const Flags& flags, std::int64_t window) {
  const std::string rest = cat('\0', layout.name, '\0', layout.before_document, '\0', layout.after_document, '\0', flags.cut,
                               '\0', flags.cut_seed, '\0', flags.reserve, '\0', window);
  return XXH3_64bits_withSeed(rest.data(), rest.size(), XXH3_64bits(document.text.data(), document.text.size()));
}

struct Cut {
  std::int64_t tokens = 0;
  std::int64_t bytes = 0;
};

// Takes `excess` tokens out of the document's tokens [begin, end).
Cut cut_tokens(ReadingInput& input, std::size_t begin, std::size_t end, std::size_t excess, const Flags& flags) {
  std::size_t from = end - excess;
  if (flags.cut == "middle") from = begin + (end - begin - excess) / 2;
  if (flags.cut == "random-middle") {
    std::mt19937_64 random(flags.cut_seed);
    from = begin + random() % (end - begin - excess + 1);
  }
  const Cut cut{static_cast<std::int64_t>(excess),
                static_cast<std::int64_t>(input.offsets[from + excess]) - static_cast<std::int64_t>(input.offsets[from])};
  const auto erase = [&](auto& list) {
    list.erase(list.begin() + static_cast<std::ptrdiff_t>(from), list.begin() + static_cast<std::ptrdiff_t>(from + excess));
  };
  erase(input.tokens);
  erase(input.offsets);
  return cut;
}

// BOS, the layout's frame and the document's tokens; cut to the window when the user said how.
ReadingInput make_input(const Document& document, const OpenModel& open, const Layout& layout, const Flags& flags, Cut* cut) {
  const Tokenizer& tokenizer = *open.tokenizer;
  ReadingInput input;
  input.name = document.name;
  if (tokenizer.add_bos()) input.tokens.push_back(tokenizer.bos());
  const auto before = encode_frame(tokenizer, layout, layout.before_document);
  input.tokens.insert(input.tokens.end(), before.begin(), before.end());
  input.offsets.assign(input.tokens.size(), 0);
  const std::size_t begin = input.tokens.size();
  const Encoded text = tokenizer.encode(document.text);
  input.tokens.insert(input.tokens.end(), text.ids.begin(), text.ids.end());
  input.offsets.insert(input.offsets.end(), text.offsets.begin(), text.offsets.end() - 1);
  const std::size_t end = input.tokens.size();
  const auto after = encode_frame(tokenizer, layout, layout.after_document);
  input.tokens.insert(input.tokens.end(), after.begin(), after.end());
  input.offsets.insert(input.offsets.end(), after.size() + 1, static_cast<std::uint32_t>(document.text.size()));

  const std::int64_t window = open.model->config().context_length;
  const std::int64_t reserve = parse_count("--reserve", flags.reserve);
  const std::int64_t excess = static_cast<std::int64_t>(input.tokens.size()) + reserve - window;
  if (excess <= 0) return input;
  if (flags.cut.empty()) {
    throw_user_error(document.name, ": ", grouped(static_cast<std::int64_t>(text.ids.size())), " tokens, but ", flags.model.model,
                     " holds ", grouped(window), " less ", reserve, " kept for question and answer; ways out: --context ",
                     grouped(static_cast<std::int64_t>(input.tokens.size()) + reserve), " (stretches RoPE), --cut middle|end|random-middle, ",
                     "another model (tome models), a smaller --reserve");
  }
  if (excess >= static_cast<std::int64_t>(end - begin)) {
    throw_user_error("--reserve ", reserve, ": the window of ", window, " tokens leaves no room for the text");
  }
  *cut = cut_tokens(input, begin, end, static_cast<std::size_t>(excess), flags);
  return input;
}

void print_json(const Answer& answer, const ReadingResult& reading, const Cut& cut, const Flags& flags, double first_token) {
  const nlohmann::json object = {
      {"schema_version", 1},
      {"answer", answer.text},
      {"model", flags.model.model},
      {"finish_reason", answer.finish_reason},
      {"tokens", {{"document", reading.tokens}, {"question", answer.question_tokens}, {"answer", answer.answer_tokens}, {"cut", cut.tokens}}},
      {"seconds", {{"read", reading.seconds}, {"first_token", first_token}, {"answer", answer.seconds}}},
      {"peak_rss_bytes", peak_rss()},
      {"peak_private_bytes", peak_private()},
      {"reading", {{"path", reading.path.string()}, {"reused_tokens", reading.reused_tokens}}}};
  std::cout << object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << std::endl;
}

class Conversation {
 public:
  Conversation(Flags& flags, const std::vector<fs::path>& files)
      : flags_(flags), open_(open_model(flags.model)), threads_(flags.model.thread_count()),
        layout_(flags.layout.empty() ? default_layout(*open_.tokenizer) : find_layout(flags.layout)),
        session_(*open_.model, open_.tokenizer->fingerprint(), threads_, session_options()) {
    read(files);
  }

  void ask(const std::string& question) {
    std::vector<TokenId> ids = encode_frame(*open_.tokenizer, layout_, layout_.before_question);
    const Encoded text = open_.tokenizer->encode(question);
    ids.insert(ids.end(), text.ids.begin(), text.ids.end());
    const auto after = encode_frame(*open_.tokenizer, layout_, layout_.after_question);
    ids.insert(ids.end(), after.begin(), after.end());
    const std::int64_t most = parse_count("--max-tokens", flags_.most_tokens);
    const std::int64_t room = open_.model->config().context_length - reading_.tokens - static_cast<std::int64_t>(ids.size());
    if (room < 1) {
      throw_user_error("the question has ", ids.size(), " tokens, but the window has room for only ",
                       open_.model->config().context_length - reading_.tokens, " after the text; ask shorter, or read with a larger --reserve");
    }
    const double before = process_seconds();
    bool begun = false;
    const Answer answer = session_.ask(ids, *open_.tokenizer, layout_.stops, flags_.sampling, std::min(most, room),
                                       [&](std::string_view piece) {
                                         if (flags_.json) return;
                                         if (!begun) piece.remove_prefix(std::min(piece.find_first_not_of(' '), piece.size()));
                                         begun = begun || !piece.empty();
                                         std::cout << piece << std::flush;
                                       },
                                       stop_requested);
    stop_requested = false;
    if (flags_.json) {
      print_json(answer, reading_, cut_, flags_, before + answer.first_token_seconds);
      return;
    }
    std::cout << '\n' << std::flush;
    if (!flags_.model.quiet) {
      std::cerr << "[" << answer.question_tokens << " + " << answer.answer_tokens << " tokens, first after "
                << std::round(answer.first_token_seconds * 100) / 100 << " s, all in " << std::round(answer.seconds * 100) / 100
                << " s" << (answer.finish_reason == "length" ? "; cut off by --max-tokens" : "") << "]\n";
    }
  }

 private:
  SessionOptions session_options() const {
    SessionOptions options;
    options.exact = flags_.model.exact;
    options.kv = flags_.model.kv_type();
    options.keep = !flags_.no_keep;
    options.store = flags_.store.empty() ? data_home() / "readings" : fs::path(flags_.store);
    options.store_bytes = static_cast<std::uintmax_t>(parse_bytes("--store-limit", flags_.store_limit));
    return options;
  }

  void read(const std::vector<fs::path>& files) {
    const Document document = read_documents(files);
    if (!flags_.model.quiet) {
      for (const std::string& warning : document.warnings) std::cerr << "note: " << warning << '\n';
    }
    const std::uint64_t hash = hash_text(document, layout_, flags_, open_.model->config().context_length);
    if (flags_.cut.empty() && session_.open_kept(hash, &reading_)) {
      note(cat(document.name, ": ", grouped(reading_.tokens), " tokens, already read"));
      return;
    }
    ReadingInput input = make_input(document, open_, layout_, flags_, &cut_);
    input.text_hash = hash;
    if (cut_.tokens > 0) {
      note(cat("cut (", flags_.cut, "): ", grouped(cut_.tokens), " tokens, ", grouped(cut_.bytes), " characters of ",
               grouped(static_cast<std::int64_t>(document.text.size()))));
    }
    ProgressLine line(flags_.model.quiet);
    const auto total = static_cast<double>(input.tokens.size());
    reading_ = session_.read(input, [&](const ReadingProgress& p) {
      sample_private_peak();
      const auto rows = static_cast<double>(p.rows);
      line.show(cat("reading ", document.name), static_cast<double>(p.layer) * rows + static_cast<double>(p.rows_done),
                static_cast<double>(p.layers) * rows, rows);
    }, stop_requested);
    line.clear();
    note(cat(document.name, ": ", grouped(reading_.tokens), " tokens read in ", clock_time(reading_.seconds), " (",
             std::round((total - static_cast<double>(reading_.reused_tokens)) / std::max(reading_.seconds, 1e-3)), " tokens/s",
             reading_.reused_tokens > 0 ? cat(", ", grouped(reading_.reused_tokens), " reused") : std::string(), ")"));
  }

  void note(const std::string& text) const {
    if (!flags_.model.quiet) std::cerr << text << '\n';
  }

  Flags& flags_;
  OpenModel open_;
  Threads threads_;
  const Layout& layout_;
  Session session_;
  ReadingResult reading_;
  Cut cut_;
};

fs::path history_path() {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  const fs::path base = state != nullptr && *state != '\0' ? fs::path(state) : fs::path(home != nullptr ? home : ".") / ".local" / "state";
  return base / "tome" / "history";
}

// Questions from a terminal, with history and line editing, or line by line from a pipe.
void prompt(Conversation& conversation) {
  if (::isatty(STDIN_FILENO) != 1) {
    for (std::string line; std::getline(std::cin, line);) {
      if (!line.empty()) conversation.ask(line);
    }
    return;
  }
  const fs::path file = history_path();
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  EditLine* edit = el_init("tome", stdin, stdout, stderr);
  History* history = history_init();
  HistEvent event;
  ::history(history, &event, H_SETSIZE, 1000);
  ::history(history, &event, H_LOAD, file.c_str());
  el_set(edit, EL_PROMPT, +[](EditLine*) -> char* { static char text[] = "> "; return text; });
  el_set(edit, EL_EDITOR, "emacs");
  el_set(edit, EL_HIST, ::history, history);
  el_set(edit, EL_SIGNAL, 1);
  int length = 0;
  while (const char* line = el_gets(edit, &length)) {
    std::string question(line, static_cast<std::size_t>(length));
    while (!question.empty() && std::isspace(static_cast<unsigned char>(question.back())) != 0) question.pop_back();
    if (question == "exit" || question == "quit") break;
    if (question.empty()) continue;
    ::history(history, &event, H_ENTER, question.c_str());
    try {
      stop_requested = false;
      conversation.ask(question);
    } catch (const UserError& problem) {
      std::cerr << "tome: " << problem.what() << '\n';
    }
  }
  ::history(history, &event, H_SAVE, file.c_str());
  history_end(history);
  el_end(edit);
}

void run(Flags& flags) {
  const std::vector<fs::path> files = split_arguments(flags);
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  Conversation conversation(flags, files);
  if (flags.question.empty()) {
    prompt(conversation);
  } else {
    conversation.ask(flags.question);
  }
}

}  // namespace

void add_ask(CLI::App& app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* c = app.add_subcommand("ask", "read a text once, answer questions about it");
  c->footer("examples:\n  tome ask book.epub \"Who killed Kim?\"\n  tome ask contract.pdf            a prompt to ask more\n"
            "  cat notes.txt | tome ask - --question \"When is the meeting?\"");
  flags->model.add_to(*c);
  c->add_option("FILE", flags->arguments, "documents (txt, md, html, epub, pdf, folders, - for stdin), then the question")->required();
  c->add_option("--question", flags->question, "the question, outright");
  c->add_option("--layout", flags->layout, "how text and question are put (docs/layouts.md); default: what suits the model");
  c->add_option("--cut", flags->cut, "what to leave out of a text that is too long")->check(CLI::IsMember({"middle", "end", "random-middle"}));
  c->add_option("--cut-seed", flags->cut_seed, "for --cut random-middle")->capture_default_str();
  c->add_option("--reserve", flags->reserve, "tokens of the window kept for question and answer")->capture_default_str();
  c->add_option("--max-tokens", flags->most_tokens, "longest answer")->capture_default_str();
  c->add_option("--temperature", flags->sampling.temperature, "0: greedy")->check(CLI::Range(0.0, 100.0))->capture_default_str();
  c->add_option("--top-k", flags->sampling.top_k, "0: all")->check(CLI::NonNegativeNumber)->capture_default_str();
  c->add_option("--top-p", flags->sampling.top_p)->check(CLI::Range(0.0, 1.0))->capture_default_str();
  c->add_option("--min-p", flags->sampling.min_p)->check(CLI::Range(0.0, 1.0))->capture_default_str();
  c->add_option("--repetition-penalty", flags->sampling.repetition_penalty)->check(CLI::Range(0.01, 100.0))->capture_default_str();
  c->add_option("--seed", flags->sampling.seed)->capture_default_str();
  c->add_option("--store", flags->store, "folder of kept readings")->envname("TOME_STORE");
  c->add_option("--store-limit", flags->store_limit, "the oldest-used readings go above this size")->envname("TOME_STORE_LIMIT")->capture_default_str();
  c->add_flag("--no-keep", flags->no_keep, "leave nothing on disk");
  c->add_flag("--json", flags->json, "one JSON object an answer on stdout");
  c->callback([flags] { run(*flags); });
}

}  // namespace tome::cli
