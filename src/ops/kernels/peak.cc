#include "ops/kernels/peak.h"

#include "ops/kernels/simd.h"
#include "ops/kernels/tile_registers.h"

namespace tome::ops::TOME_LEVEL {
namespace {

constexpr int kSums = 12;  // enough independent sums to hide the latency, few enough for 16 registers

// Runs `step` kSums x steps times and returns the operations done. Named variables: an array would go through memory.
template <typename Vector, typename Step>
double spend(long steps, double operations, Vector first, const Step& step) {
  Vector a = first, b = first, c = first, d = first, e = first, f = first;
  Vector g = first, h = first, i = first, j = first, k = first, l = first;
  for (long n = 0; n < steps; ++n) {
    a = step(a), b = step(b), c = step(c), d = step(d), e = step(e), f = step(f);
    g = step(g), h = step(h), i = step(i), j = step(j), k = step(k), l = step(l);
    asm volatile("" : "+v"(a), "+v"(b), "+v"(c), "+v"(d), "+v"(e), "+v"(f));
    asm volatile("" : "+v"(g), "+v"(h), "+v"(i), "+v"(j), "+v"(k), "+v"(l));
  }
  return static_cast<double>(steps) * kSums * operations;
}

}  // namespace

double peak_f32(long steps) {
  const F32 a = set1(0.5f);
  return spend(steps, 2.0 * kLanes, zero(), [&](F32 s) { return fma(a, a, s); });
}

#if defined(__AMX_BF16__)
double peak_bf16(long steps) {
  alignas(64) static constexpr std::uint32_t kZeros[kTileSide * kTileSide] = {};
  const TileRegisters registers;
  using Sums = TileSums<true, true>;
  Sums::zero();
  _tile_loadd(4, kZeros, 64);
  _tile_loadd(5, kZeros, 64);
  _tile_loadd(6, kZeros, 64);
  _tile_loadd(7, kZeros, 64);
  const long rounds = steps / 2;  // of four products: about as long as the other levels' steps
  for (long n = 0; n < rounds; ++n) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  return static_cast<double>(rounds) * 4 * (2.0 * kTileSide * kTileSide * 2 * kTileSide);
}
#elif defined(__AVX512BF16__)
double peak_bf16(long steps) {
  const auto a = reinterpret_cast<__m512bh>(_mm512_set1_epi16(0x3f00));
  return spend(steps, 64.0, zero(), [&](F32 s) { return _mm512_dpbf16_ps(s, a, a); });
}
#endif

#if defined(__AVX512BF16__)
double peak_int8(long steps) {
  const __m512i a = _mm512_set1_epi8(1);
  return spend(steps, 128.0, _mm512_setzero_si512(), [&](__m512i s) { return _mm512_dpbusd_epi32(s, a, a); });
}
#else
double peak_bf16(long steps) { return peak_f32(steps); }
double peak_int8(long) { return 0; }  // no such instruction at this level
#endif

}  // namespace tome::ops::TOME_LEVEL
