// What reading a text and answering will take, before it starts: bytes, operations and seconds from the model's shapes,
// the flags and the number of threads alone, never from what memory happens to be free.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/adapter.h"
#include "model/config.h"
#include "model/forward.h"
#include "model/linear.h"
#include "ops/attention.h"

namespace tome {

/// A model as the plan sees it: what the weights' file says, or a well-known shape.
struct PlanModel {
  ModelConfig config;
  std::array<bool, kMatrices.size()> offsets{};  // packed int8 weights carry offsets (Q4_1, Q4_K)
  std::uint64_t layer_bytes = 0;                 // stored weights of one layer
  std::uint64_t embedding_bytes = 0;             // stored
  std::uint64_t output_bytes = 0;                // stored; 0: the embedding serves
  std::uint64_t directory_bytes = 0;             // of the file before its tensors: metadata, vocabulary
};

PlanModel plan_model(const Model& model);
/// gemma, smollm2, llama-2-7b, llama-3.1-8b, llama-3.2-1b, llama-3.2-3b with 4-bit weights, no file needed. Throws
/// UserError listing the names.
PlanModel known_shape(const std::string& name);
bool is_known_shape(const std::string& name);

struct PlanOptions {
  std::int64_t tokens = 0;
  std::size_t chunk_rows = kDefaultChunkRows;
  int threads = 1;
  Precision precision = Precision::kInt8;
  ops::KvType kv = ops::KvType::kNative;
  std::size_t adapter_numbers = 0, adapter_rank = 0;  // of an adapter in use, with pairs everywhere

  void count_adapter(const Adapter& adapter);
  bool bounded = false;  // --memory: mapped pages are released layer by layer
};

struct PlanPart {
  std::string_view name;
  double amount = 0;  // bytes or operations
};

inline constexpr double kThreadBytes = 0.25 * 1024 * 1024;  // stack and allocator arena of one thread
/// Private bytes of a process that has opened a model and its tokenizer.
std::vector<PlanPart> opened_parts(const ModelConfig& config);
/// Bytes of a linear layer [out][in] that is packed exactly (model/linear.h), with the second factor of a LoRA pair.
double exact_panel_bytes(std::size_t out, std::size_t in, std::size_t rank);
/// Bytes of a LoRA pair that is packed beside it.
double low_rank_bytes(std::size_t out, std::size_t in, std::size_t rank);

/// Sums of parts; sizes in bytes.
struct Plan {
  std::vector<PlanPart> reading, answering;  // private memory
  std::vector<PlanPart> flops;               // of reading; one multiply-add is two
  double answer_token_flops = 0;
  std::uint64_t private_reading = 0, private_answering = 0;
  std::uint64_t mapped_reading = 0, mapped_answering = 0;      // largest resident file pages, the program's included
  std::uint64_t resident_reading = 0, resident_answering = 0;  // largest sums of both at one time
  std::uint64_t disk = 0;                                      // of the kept reading
  std::uint64_t disk_while_reading = 0;                        // with the two slots of the residual stream
  std::uint64_t answer_bytes = 0;                              // weights, K and V that one answer token visits

  std::uint64_t peak_private() const { return std::max(private_reading, private_answering); }
  std::uint64_t peak_rss() const { return std::max(resident_reading, resident_answering); }
};

Plan make_plan(const PlanModel& model, const PlanOptions& given);

/// The options with `bounded` and the largest chunk whose peak RSS is at most `memory` bytes. Throws UserError with the
/// nearest setting that would fit (a larger --memory, or fewer tokens).
PlanOptions fit_memory(const PlanModel& model, PlanOptions options, std::uint64_t memory);
/// Throws UserError when the plan's private memory is more than `installed` bytes.
void refuse_too_large(const Plan& plan, std::uint64_t installed);

/// What a machine does, measured: operations and bytes a second, all threads together.
struct MachineRates {
  double bf16 = 0, int8 = 0;  // int8 0: not used at this CPU level
  double dram = 0;
  double disk = 1e9;  // assumed, reading pages that RAM does not hold
};
/// Seconds of reading, at the share of the peak that the kernels reach.
double reading_seconds(const Plan& plan, const MachineRates& rates, Precision precision);
/// Seconds for each token of the answer; K, V and weights come from disk when they exceed `installed` bytes.
double answer_token_seconds(const Plan& plan, const MachineRates& rates, std::uint64_t installed);

}  // namespace tome
