// A model of a given shape with random weights, for measuring what no file is here for.
#pragma once

#include <filesystem>
#include <memory>

#include "model/model.h"

namespace tome::cli {

/// Llama family, `layers` layers, random Q4_0 weights (the embedding too, tied). The file lies in `folder` under no
/// name and is gone when the model is. Throws UserError when the family is another or the folder cannot be written to.
std::unique_ptr<Model> random_model(const ModelConfig& shape, std::size_t layers, const std::filesystem::path& folder);

}  // namespace tome::cli
