#include "cli/fetch_published.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "fetch_script.h"
#include "read/session.h"

namespace tome::cli {
namespace {

// Exit code of the program, its output on our stderr.
int run_program(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0)
    throw_user_error(argv[0], ": ", std::strerror(error), "; install it (Debian: apt-get install python3 python3-pip)");
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    TOME_CHECK(errno == EINTR, std::strerror(errno));
    ::kill(child, SIGTERM);  // only a SIGTERM of our own or a Ctrl-C, which the child got too, ends the wait
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

std::filesystem::path fetch_published(const std::string& name, const std::filesystem::path& folder, bool quiet) {
  std::vector<std::string> arguments = {"python3", "-B", "-c", kFetchScript, "--dir", folder.string(), name};
  if (quiet) arguments.emplace_back("--quiet");
  const int code = run_program(std::move(arguments));
  if (code == 130 || code == 143) throw Interrupted(cat(name, ": stopped; the same command goes on from there"));
  if (code != 0) throw_user_error(name, ": could not be fetched from the package index (the reason is above)");
  return folder / (name + ".gguf");
}

}  // namespace tome::cli
