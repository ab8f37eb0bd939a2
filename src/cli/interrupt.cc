#include "cli/interrupt.h"

#include <signal.h>

namespace tome::cli {
namespace {

std::atomic<bool> requested{false};
std::atomic<int> first_signal{0};

void on_signal(int number) {
  requested = true;
  if (first_signal == 0 || number == SIGTERM) first_signal = number;
  if (number == SIGTERM) ::signal(SIGTERM, SIG_DFL);
}

}  // namespace

void catch_signals() {
  struct sigaction action = {};
  action.sa_handler = on_signal;  // without SA_RESTART: a wait for the terminal ends
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

const std::atomic<bool>& stop_requested() { return requested; }

int stop_signal() { return first_signal; }

void forget_interrupt() {
  if (first_signal == SIGTERM) return;
  first_signal = 0;
  requested = false;
}

}  // namespace tome::cli
