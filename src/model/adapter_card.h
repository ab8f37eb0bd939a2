// The inside of adapter_folder.cc: the texts of tome.json and README.md.
#pragma once

#include <string>

#include "model/adapter_folder.h"

namespace tome {

inline constexpr const char* kUseFile = "tome.json";

std::string make_use_json(const AdapterUse& use);

/// For people: what the adapter is, and how to use it with tome and with transformers.
std::string make_card(const Adapter& adapter, const ModelConfig& config, const AdapterUse& use);

}  // namespace tome
