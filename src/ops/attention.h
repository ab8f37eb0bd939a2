// Exact attention, tiled: softmax(scale Q K^T) V without any tokens x tokens buffer.
//
// Letters: T tokens, H query heads, K kv heads, C head width (Cp: rounded up to 16), G = H / K query heads of one kv
// head. K and V live in blocks of kKvBlock tokens, packed the way the dot-product instructions want them (words of 32
// bits):
//   k  [K][Cp / P][kKvBlock]   word (c, j) holds numbers c*P .. c*P+P-1 of key j      (P = 2 for bf16, 1 for f32)
//   v  [K][kKvBlock / P][Cp]   word (j, c) holds number c of values j*P .. j*P+P-1
// Numbers past a block's count and past C are zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/bf16.h"
#include "base/threads.h"

namespace tome::ops {

inline constexpr int kKvBlock = 256;
inline constexpr int kMaxHeadWidth = 256;

struct AttentionShape {
  int heads = 0;       // H, a multiple of kv_heads
  int kv_heads = 0;    // K
  int head_width = 0;  // C, even
  float scale = 0;     // of the scores; usually 1 / sqrt(C)

  int group() const { return heads / kv_heads; }
  int padded_width() const { return (head_width + 15) / 16 * 16; }
};

/// Numbers of the reduction in one 32-bit word.
template <typename T>
inline constexpr int kPack = 4 / static_cast<int>(sizeof(T));

/// 32-bit words of one block's K (its V takes as many).
template <typename T>
std::size_t kv_block_words(const AttentionShape& shape) {
  return static_cast<std::size_t>(shape.kv_heads) * static_cast<std::size_t>(shape.padded_width() / kPack<T>) *
         kKvBlock;
}

/// How the numbers of a block are kept. Quantised planes (bf16 activations only) keep the packed order: in every
/// kKvGroupWords words the lower numbers share a scale, and so do the upper ones. In K these are 32 keys of one
/// channel, in V 32 channels of one token (KIVI, arXiv 2402.02750).
enum class KvType { kNative, kQ8, kQ4 };
inline constexpr std::size_t kKvGroupWords = 32;

/// "bf16", "q8" or "q4".
std::string_view to_string(KvType type);

/// 32-bit words of one head's K (or V) plane of one block: 8.5 and 5 bits a number for q8 and q4.
inline std::size_t kv_plane_words(KvType type, std::size_t native_words) {
  const std::size_t groups = 2 * native_words / kKvGroupWords;
  switch (type) {
    case KvType::kQ8:
      return (2 * native_words + 2 * groups) / 4;
    case KvType::kQ4:
      return (native_words + 4 * groups) / 4;
    default:
      return native_words;
  }
}

/// 32-bit words of a whole block, K and V of all heads.
template <typename T>
std::size_t kv_block_total_words(KvType type, const AttentionShape& shape) {
  const auto heads = static_cast<std::size_t>(shape.kv_heads);
  return 2 * heads * kv_plane_words(type, kv_block_words<T>(shape) / heads);
}

/// Quantises a whole native block (K then V) to `to` (kv_block_total_words), and back.
void quantize_kv(KvType type, const AttentionShape& shape, const std::uint32_t* from, std::uint32_t* to);
void unpack_kv(KvType type, const AttentionShape& shape, const std::uint32_t* from, std::uint32_t* to);

/// Keys of a full native block for scores by int8 products, beside the block: those of one head less their mean, which
/// only shifts a query's scores, rotated by a Walsh-Hadamard transform, as the queries are, so that no channel stands
/// out, and rounded with one scale a key (SageAttention, arXiv 2410.02367; QuaRot, arXiv 2404.00456). With Cp as above,
/// a plane of int8_key_words for each head:
///   values [Cp / 4][kKvBlock] words of four int8; scales [kKvBlock] f32; shifts [kKvBlock] f32: -128 * scale * sum of
///   a key's values (queries are stored plus 128, as in ops/int8.h); mean [Cp / 2] words of two bf16
inline std::size_t int8_key_words(const AttentionShape& shape) {
  const auto padded = static_cast<std::size_t>(shape.padded_width());
  return padded / 4 * kKvBlock + 2 * kKvBlock + (padded / 2 + 15) / 16 * 16;
}

/// Whether this CPU's level has int8 scores and is faster with them than with bf16 ones.
bool has_int8_scores();

/// Fills the planes of all heads from a full block's K.
void quantize_keys(const AttentionShape& shape, const std::uint32_t* k_block, std::uint32_t* planes);

/// A borrowed block of keys and values: key j of the block has index first + j in the sequence.
struct KvBlock {
  const std::uint32_t* k = nullptr;
  const std::uint32_t* v = nullptr;
  std::int64_t first = 0;
  int count = 0;  // 1..kKvBlock
  KvType type = KvType::kNative;
  const std::uint32_t* int8_keys = nullptr;  // of a full native bf16 block, or null: scores by bf16 products
};

/// The keys that one token attends to: indices [begin, end) without the gap [gap_begin, gap_end), which lies inside
/// them or is empty. Never empty. A gap is what a question sees of a document that other questions follow.
struct KeyRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t gap_begin = 0;
  std::int64_t gap_end = 0;

  bool operator==(const KeyRange&) const = default;
  bool has_gap() const { return gap_end > gap_begin; }
};

/// Causal attention of the token at `index`, limited to the last `window` keys (itself included) when window > 0.
inline KeyRange causal_range(std::int64_t index, std::int64_t window) {
  return {window > 0 && index + 1 > window ? index + 1 - window : 0, index + 1};
}

/// Writes rows [0, rows) of k and v ([rows][K*C], `stride` numbers from row to row) to tokens at, at+1, ... of one
/// block. The block must have been zeroed before its first token.
template <typename T>
void pack_kv(const AttentionShape& shape, const T* k, const T* v, std::ptrdiff_t stride, int rows, int at,
             std::uint32_t* k_block, std::uint32_t* v_block);

/// Copies tokens [0, count) of one block to another, zeroing the rest.
template <typename T>
void copy_kv(const AttentionShape& shape, int count, const std::uint32_t* k_from, const std::uint32_t* v_from,
             std::uint32_t* k_to, std::uint32_t* v_to);

/// out[t] = attention of q[t] over the keys visible[t]; q and out are [T][H*C], may be the same memory.
/// blocks: in order of `first`, covering every visible key. log_sum_exp: [T][H], natural log, or null.
/// Work is split over query tiles and, when those are few, over keys too (so it serves prefill and decode alike);
/// the split depends on shapes and thread count only.
template <typename T>
void attention_forward(Threads& threads, const AttentionShape& shape, const T* q, std::span<const KeyRange> visible,
                       std::span<const KvBlock> blocks, T* out, float* log_sum_exp = nullptr);

/// The slow oracle: one query row against unpacked keys and values [n][C], in double.
std::vector<double> attention_row_reference(std::span<const double> q, std::span<const double> k,
                                            std::span<const double> v, double scale, double* log_sum_exp);

}  // namespace tome::ops
