#include "ops/kernels/attention_backward.h"
#include "ops/kernels/attention_kernel.h"
#include "ops/kernels/gemv.h"
#include "ops/kernels/int8.h"
#include "ops/kernels/int8_keys.h"
#include "ops/kernels/kernels.h"
#include "ops/kernels/kv_quant.h"
#include "ops/kernels/linear.h"
#include "ops/kernels/peak.h"
#include "ops/kernels/rows.h"
#include "ops/kernels/tile_product.h"

namespace tome::ops::TOME_LEVEL {
namespace {

#if defined(__AMX_BF16__)
constexpr CpuLevel kLevel = CpuLevel::kAmx;
constexpr std::string_view kName = "AMX BF16";
#elif defined(__AVX512BF16__)
constexpr CpuLevel kLevel = CpuLevel::kBf16;
constexpr std::string_view kName = "AVX-512 BF16";
#elif defined(__AVX512F__)
constexpr CpuLevel kLevel = CpuLevel::kAvx512;
constexpr std::string_view kName = "AVX-512";
#else
constexpr CpuLevel kLevel = CpuLevel::kAvx2;
constexpr std::string_view kName = "AVX2";
#endif

// With tile registers softmax and memory take longer than the products.
constexpr PeakShares kShares =
    kLevel == CpuLevel::kAmx ? PeakShares{0.5, 0.25, 0.3, 0.22} : PeakShares{0.75, 0.75, 0.6, 0.6};

template <typename T>
constexpr RowKernels<T> row_kernels() {
  RowKernels<T> rows{};
  rows.attention_tile = attention_tile<T>;
  rows.backward_pack = backward_pack<T>;
  rows.backward_keys = backward_keys<T>;
  rows.backward_query_place = backward_query_place<T>;
  rows.backward_scratch_bytes = backward_scratch_bytes<T>;
  rows.backward_pack_queries = backward_pack_queries<T>;
  rows.backward_load_keys = backward_load_keys<T>;
  rows.backward_scores = backward_scores<T>;
  rows.backward_add_queries = backward_add_queries<T>;
  rows.backward_store_keys = backward_store_keys<T>;
  rows.rms_norm = rms_norm<T>;
  rows.add = add_rows<T>;
  rows.add_f32 = add_f32<T>;
  rows.silu_product = silu_product<T>;
  rows.gelu_product = gelu_product<T>;
  rows.rope_half = rope_half<T>;
  rows.rope_pairs = rope_pairs<T>;
  rows.dot = dot<T>;
  rows.exponentials = exponentials<T>;
  rows.to_float = to_float<T>;
  rows.from_float = from_float<T>;
  rows.linear_pack = linear_pack<T>;
  rows.linear_product = linear_product<T, T>;
  rows.linear_product_f32 = linear_product<T, float>;
  rows.linear_pack_transposed = linear_pack_transposed<T>;
  rows.outer_product = outer_product<T>;
  rows.rms_norm_backward = rms_norm_backward<T>;
  rows.silu_product_backward = silu_product_backward<T>;
  rows.gelu_product_backward = gelu_product_backward<T>;
#if defined(__AVX512VNNI__)
  rows.quantize_rows = quantize_rows<T>;
  rows.int8_product = int8_product<T>;
  rows.int8_product_f32 = int8_product<float>;
#endif
  return rows;
}

constexpr Kernels make_table() {
  Kernels table{};
  table.level = kLevel;
  table.name = kName;
  table.shares = kShares;
  table.row_tile = Bf16Unit::kRows;
  table.attention_scratch_bytes = attention_scratch_bytes;
  table.bf16_rows = row_kernels<tome::bf16>();
  table.f32_rows = row_kernels<float>();
#if defined(__AVX512VNNI__)
  table.int8 = true;
  table.int8_linear = kLevel != CpuLevel::kAmx;
  table.int8_quantize_weights = int8_quantize_weights;
  table.int8_pack = int8_pack;
  table.quantize_vector = quantize_vector;
  table.gemv = gemv;
#endif
#if TOME_INT8_SCORES
  table.quantize_keys = quantize_keys;
#endif
  table.kv_quantize = kv_quantize;
  table.kv_unpack = kv_unpack;
  table.peak_f32 = peak_f32;
  table.peak_bf16 = peak_bf16;
  table.peak_int8 = peak_int8;
  return table;
}

}  // namespace

constinit const Kernels kTable = make_table();

}  // namespace tome::ops::TOME_LEVEL
