// The figures of a training set in one file that opens anywhere, needs no network and runs no script.
#pragma once

#include <filesystem>
#include <string>

#include "data/stats.h"

namespace tome::data {

/// `title`: what the files are called.
std::string stats_html(const Stats& stats, const std::string& title);

/// Replaces `path` at once. Throws UserError naming it.
void write_stats_html(const std::filesystem::path& path, const Stats& stats, const std::string& title);

}  // namespace tome::data
