#include "text/epub_zip.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

#include <array>
#include <memory>

#include "base/error.h"
#include "text/document_source.h"

namespace tome {
namespace {

constexpr std::size_t kMaxFile = std::size_t{64} << 20;
constexpr std::size_t kMaxFiles = 100000;

// libarchive gives only names that the locale can write; while this lives, the thread's locale writes them all.
class Utf8Names {
 public:
  Utf8Names() : locale_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)), before_(::uselocale(locale_)) {
    TOME_CHECK(locale_ != nullptr, "the locale C.UTF-8");
  }
  ~Utf8Names() {
    ::uselocale(before_);
    ::freelocale(locale_);
  }
  Utf8Names(const Utf8Names&) = delete;
  Utf8Names& operator=(const Utf8Names&) = delete;

 private:
  locale_t locale_;
  locale_t before_;
};

using Archive = std::unique_ptr<archive, decltype(&archive_read_free)>;

[[noreturn]] void throw_damaged(const std::string& where, const std::string& what) {
  throw_user_error(where, ": the EPUB is damaged: ", what, "; fetch the book again");
}

std::string reason(archive* reader) {
  const char* text = archive_error_string(reader);
  return text == nullptr ? "the zip archive cannot be read" : printable(text);
}

Archive open(const std::string& where, std::string_view bytes) {
  Archive reader(archive_read_new(), archive_read_free);
  TOME_CHECK(reader != nullptr);
  archive_read_support_format_zip_seekable(reader.get());
  if (archive_read_open_memory(reader.get(), bytes.data(), bytes.size()) != ARCHIVE_OK) {
    throw_damaged(where, reason(reader.get()));
  }
  return reader;
}

std::string name_of(archive_entry* entry) {
  const char* name = archive_entry_pathname_utf8(entry);
  if (name == nullptr) name = archive_entry_pathname(entry);
  return name == nullptr ? std::string() : std::string(name);
}

// EPUB allows these two (OCF 4.2); the others can ask for gigabytes of tables.
bool known_compression(archive* reader) {
  const std::string_view format = archive_format_name(reader);
  return format.find("(uncompressed)") != std::string_view::npos ||
         format.find("(deflation)") != std::string_view::npos;
}

}  // namespace

void throw_protected_book(const std::string& where) {
  throw_user_error(where, ": is copy-protected (DRM), so its text cannot be read; use an unprotected copy");
}

std::map<std::string, std::string> EpubZip::read(const std::set<std::string>& names) {
  const Utf8Names locale;
  const Archive reader = open(where_, bytes_);
  std::map<std::string, std::string> files;
  for (std::size_t count = 0; files.size() < names.size(); ++count) {
    archive_entry* entry = nullptr;
    const int status = archive_read_next_header(reader.get(), &entry);
    if (status == ARCHIVE_EOF) break;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) throw_damaged(where_, reason(reader.get()));
    if (count > kMaxFiles) throw_damaged(where_, "it holds too many files");
    const std::string name = name_of(entry);
    if (!names.contains(name) || files.contains(name)) continue;
    if (archive_entry_is_data_encrypted(entry) > 0) throw_protected_book(where_);
    if (!known_compression(reader.get())) throw_damaged(where_, "a file in it is compressed in an unknown way");
    std::string& file = files[name];
    std::array<char, 1 << 16> buffer;
    for (;;) {
      const la_ssize_t got = archive_read_data(reader.get(), buffer.data(), buffer.size());
      if (got < 0) throw_damaged(where_, cat(printable(name), ": ", reason(reader.get())));
      if (got == 0) break;
      file.append(buffer.data(), static_cast<std::size_t>(got));
      unpacked_ += static_cast<std::size_t>(got);
      if (file.size() > kMaxFile || unpacked_ > kMaxDocumentBytes) {
        throw_user_error(where_, ": unpacks to more than ",
                         (file.size() > kMaxFile ? kMaxFile : kMaxDocumentBytes) >> 20,
                         " MiB; this is no ordinary book");
      }
    }
  }
  return files;
}

}  // namespace tome
