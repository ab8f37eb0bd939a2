// JSON from strangers: parsed with a limit to its nesting.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

namespace tome {

/// Parses the whole of `text` (UTF-8). Arrays and objects may lie at most `deepest` deep in one another, and an object
/// may have a key only once. Throws UserError: `WHERE: not valid JSON, ...`.
nlohmann::json parse_json(std::span<const std::byte> text, const std::string& where, int deepest);

}  // namespace tome
