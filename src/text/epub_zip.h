// The files inside an EPUB's zip archive, held in memory: nothing is ever unpacked to disk.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace tome {

class EpubZip {
 public:
  /// `bytes` stays alive. `where` names the book in errors.
  EpubZip(std::string where, std::string_view bytes) : where_(std::move(where)), bytes_(bytes) {}

  /// The named files that there are, unpacked. Throws UserError when the archive is damaged or encrypted, or unpacks to
  /// more than 64 MiB a file or 256 MiB in all calls together.
  std::map<std::string, std::string> read(const std::set<std::string>& names);

 private:
  std::string where_;
  std::string_view bytes_;
  std::size_t unpacked_ = 0;
};

[[noreturn]] void throw_protected_book(const std::string& where);

}  // namespace tome
