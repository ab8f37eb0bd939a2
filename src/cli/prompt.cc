#include "cli/prompt.h"

#include <histedit.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>

#include "base/error.h"
#include "cli/interrupt.h"
#include "cli/output.h"

namespace tome::cli {
namespace {

namespace fs = std::filesystem;

fs::path history_path() {
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && *state == '/') return fs::path(state) / "tome" / "history";
  const char* home = std::getenv("HOME");
  return home == nullptr ? fs::path() : fs::path(home) / ".local" / "state" / "tome" / "history";
}

std::string trimmed(const std::string& line) {
  const std::size_t begin = line.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return "";
  return line.substr(begin, line.find_last_not_of(" \t\r\n") + 1 - begin);
}

// libedit's editor with the history file; questions of earlier days come back with the arrow keys.
class LineEditor {
 public:
  LineEditor() : edit_(el_init("tome", stdin, stderr, stderr)), history_(history_init()), file_(history_path()) {
    if (edit_ == nullptr || history_ == nullptr) throw_user_error("the terminal cannot be opened; ask with --question");
    std::error_code error;
    fs::create_directories(file_.parent_path(), error);
    HistEvent event;
    history(history_, &event, H_SETSIZE, 1000);
    history(history_, &event, H_SETUNIQUE, 1);
    history(history_, &event, H_LOAD, file_.c_str());
    el_set(
        edit_, EL_PROMPT, +[](EditLine*) -> char* {
          static char text[] = "> ";
          return text;
        });
    el_set(edit_, EL_EDITOR, "emacs");
    el_set(edit_, EL_HIST, history, history_);
    el_set(edit_, EL_SIGNAL, 1);
  }
  ~LineEditor() {
    HistEvent event;
    history(history_, &event, H_SAVE, file_.c_str());
    history_end(history_);
    el_end(edit_);
  }
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  /// False at the end of input or on SIGTERM. A Ctrl-C gives an empty line.
  bool next(std::string* line) {
    el_set(edit_, EL_PREP_TERM, 1);  // before the prompt shows: a Ctrl-D typed at once would be lost
    int length = 0;
    const char* text = el_gets(edit_, &length);
    line->clear();
    if (text == nullptr) {
      if (stop_signal() != SIGINT) return false;
      std::cerr << '\n';
      el_reset(edit_);
      return true;
    }
    *line = trimmed({text, static_cast<std::size_t>(length)});
    HistEvent event;
    if (!line->empty()) history(history_, &event, H_ENTER, line->c_str());
    return true;
  }

 private:
  EditLine* edit_;
  History* history_;
  fs::path file_;
};

}  // namespace

void prompt(const std::function<void(const std::string&)>& ask) {
  const bool terminal = ::isatty(STDIN_FILENO) == 1;
  const auto editor = terminal ? std::make_unique<LineEditor>() : nullptr;
  for (std::string line;;) {
    forget_interrupt();
    if (stop_signal() != 0 || !(editor ? editor->next(&line) : static_cast<bool>(std::getline(std::cin, line)))) return;
    forget_interrupt();  // a Ctrl-C that came between an answer and the prompt
    line = trimmed(line);
    if (line.empty()) continue;
    if (line == "exit" || line == "quit") return;
    try {
      ask(line);
    } catch (const UserError& problem) {
      if (!terminal) throw;
      std::cerr << "tome: " << one_line(problem.what()) << '\n';
    }
  }
}

}  // namespace tome::cli
