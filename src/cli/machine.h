// What this machine can do at best, measured in a fraction of a second.
#pragma once

#include <cstdint>

#include "base/threads.h"
#include "model/plan.h"

namespace tome::cli {

/// Multiply-add peaks of all threads together, and the speed of reading memory.
MachineRates measure_machine(Threads& threads);
/// One of them alone.
double measure_bf16(Threads& threads);
double measure_dram(Threads& threads);
/// RAM of the machine, bytes.
std::uint64_t installed_memory();

}  // namespace tome::cli
