// Every response of a model service as it came, one file each, for whoever doubts a score.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "eval/answerers/http_post.h"

namespace tome::eval {

/// `id` as the name of a file: letters, digits, '-', '_' and inner '.' as they are, all else as %XX; a long one is cut
/// and ends in its hash.
std::string safe_file_name(std::string_view id);

class RawResponses {
 public:
  /// Empty: nothing is kept. The folder is made when there is something to keep.
  explicit RawResponses(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Writes ID.json, or ID.2.json and so on behind what is there: {"id", "attempt", "url", "status", "problem",
  /// "seconds", "headers", "body"}. One thread for an id. Throws UserError when it cannot be written.
  void keep(std::string_view id, int attempt, const HttpUrl& url, const HttpResponse& response) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace tome::eval
