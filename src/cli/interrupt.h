// SIGINT and SIGTERM: a flag that long work looks at, so that what is done is kept.
#pragma once

#include <atomic>

namespace tome::cli {

/// From here on both signals set the flag instead of ending the program; a second SIGTERM ends it at once.
void catch_signals();
/// True after a signal. Whoever has dealt with a Ctrl-C calls forget_interrupt().
const std::atomic<bool>& stop_requested();
/// The first signal that came and was not forgotten; 0: none.
int stop_signal();
/// A Ctrl-C is done with (it stopped an answer); a SIGTERM stays.
void forget_interrupt();

}  // namespace tome::cli
