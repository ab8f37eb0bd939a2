// From the last layer's output to the vocabulary: final norm and output matrix, never tokens x vocabulary at once.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/threads.h"
#include "model/linear.h"
#include "model/model.h"

namespace tome {

/// out [V] = logits of one row x [D] (before the final norm).
template <typename T>
void logits(const Model& model, Threads& threads, const T* x, bool exact, std::span<float> out);

/// loss[r] = -log softmax(logits(x[r]))[targets[r]] in nats, for x [rows][D]; slices of the vocabulary are unpacked one
/// after another, keeping one running log-sum-exp a row.
template <typename T>
void token_losses(const Model& model, Threads& threads, const T* x, std::span<const std::int32_t> targets,
                  Precision precision, std::span<double> losses);

/// Where the gradients of the head's weights are added to; null: not trained.
struct HeadGradient {
  float* norm = nullptr;    // [D]
  float* output = nullptr;  // [V][D]
};

/// The loss of training and its gradient in one pass over the vocabulary: returns the sum over rows of
/// -log softmax(logits(x[r]))[targets[r]] and writes dx [rows][D] = `scale` times its gradient. Slices of the
/// vocabulary are unpacked one after another and each row keeps a running softmax average of the output matrix's rows,
/// as tiled attention does of values: the logits are never kept. The output matrix's gradient takes a second pass over
/// the vocabulary, once the sums are known.
template <typename T>
double loss_gradient(const Model& model, Threads& threads, const T* x, std::span<const std::int32_t> targets,
                     double scale, T* dx, const HeadGradient& gradient = {});

}  // namespace tome
