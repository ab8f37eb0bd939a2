// What one core can do at most: a loop of nothing but multiply-adds.
#pragma once

namespace tome::ops::TOME_LEVEL {

/// Runs `steps` rounds and returns the operations done (a multiply and an add are two); the caller takes the time.
/// 0: the level has no such instruction.
double peak_f32(long steps);
double peak_bf16(long steps);
double peak_int8(long steps);

}  // namespace tome::ops::TOME_LEVEL
