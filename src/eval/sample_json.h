// Samples and answers as lines of JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "eval/answerer.h"
#include "eval/sample.h"

namespace tome::eval {

nlohmann::ordered_json to_json(const EvalSample& sample);
nlohmann::ordered_json to_json(const std::string& id, const EvalAnswer& answer);

/// Throw nlohmann::json::exception for an object of another shape.
EvalSample sample_from_json(const nlohmann::json& object);
EvalAnswer answer_from_json(const nlohmann::json& object);

/// One line; bytes that are no UTF-8 as U+FFFD.
std::string json_line(const nlohmann::ordered_json& object);

}  // namespace tome::eval
