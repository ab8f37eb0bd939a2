#include "eval/answerers/raw_responses.h"

#include <xxhash.h>

#include <algorithm>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "formats/new_file.h"

namespace tome::eval {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

/// Not cookies, nor what changes with every connection.
bool matters(const std::string& name) {
  constexpr const char* kNames[] = {"content-type", "content-length", "date",   "location",    "openai-processing-ms",
                                    "request-id",   "retry-after",    "server", "x-request-id"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames) ||
         name.find("ratelimit") != std::string::npos;
}

}  // namespace

std::string safe_file_name(std::string_view id) {
  constexpr std::size_t kLongest = 120;
  std::string name;
  for (const char c : id) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '_' || (c == '.' && !name.empty());
    const auto byte = static_cast<unsigned char>(c);
    name += plain ? std::string(1, c) : std::string{'%', "0123456789ABCDEF"[byte >> 4], "0123456789ABCDEF"[byte & 15]};
  }
  if (name.size() > kLongest) {
    std::ostringstream hash;
    hash << std::hex << std::setw(16) << std::setfill('0') << XXH3_64bits(id.data(), id.size());
    name = cat(name.substr(0, kLongest), "-", hash.str());
  }
  return name.empty() ? "%" : name;
}

void RawResponses::keep(std::string_view id, int attempt, const HttpUrl& url, const HttpResponse& response) const {
  if (folder_.empty()) return;
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) throw_user_error(folder_.string(), ": cannot be made (", error.message(), "); name another folder");
  json headers = json::object();
  for (const auto& [name, value] : response.headers) {
    if (matters(name)) headers[name] = value;
  }
  const json record = {{"id", std::string(id)},         {"attempt", attempt},          {"url", url.text()},
                       {"status", response.status},     {"problem", response.problem}, {"seconds", response.seconds},
                       {"headers", std::move(headers)}, {"body", response.body}};
  const std::string name = safe_file_name(id);
  fs::path path = folder_ / (name + ".json");
  for (int i = 2; fs::exists(path); ++i) path = folder_ / cat(name, ".", i, ".json");
  NewFile file(path);
  file.write(record.dump(1, ' ', false, json::error_handler_t::replace));
  file.write("\n");
  file.finish();
}

}  // namespace tome::eval
