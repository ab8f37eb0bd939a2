#include "text/document_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "text/encoding.h"

namespace tome {
namespace {

struct Magic {
  std::string_view bytes;
  const char* kind;
  std::size_t at = 0;
  bool printable = false;  // the whole file is made of characters
};

constexpr const char* kAdvice = "; tome reads txt, Markdown, HTML, EPUB and PDF";

constexpr std::array<Magic, 30> kBinaries = {{{"\x89PNG", "a PNG picture"},
                                              {"\xFF\xD8\xFF", "a JPEG picture"},
                                              {"GIF8", "a GIF picture"},
                                              {std::string_view("II*\0", 4), "a TIFF picture"},
                                              {std::string_view("MM\0*", 4), "a TIFF picture"},
                                              {"WEBP", "a WebP picture", 8},
                                              {"RIFF", "a sound or video file"},
                                              {"ftyp", "a video file", 4},
                                              {"OggS", "a sound file"},
                                              {"ID3", "a sound file"},
                                              {"fLaC", "a sound file"},
                                              {"\x1A\x45\xDF\xA3", "a video file"},
                                              {"\x7F"
                                               "ELF",
                                               "a program"},
                                              {"MZ\x90", "a program"},
                                              {"\xCF\xFA\xED\xFE", "a program"},
                                              {"\xCA\xFE\xBA\xBE", "a program"},
                                              {"GGUF", "a model"},
                                              {"SQLite format 3", "a database"},
                                              {"\x1F\x8B", "a gzip archive"},
                                              {"BZh", "a bzip2 archive"},
                                              {"\xFD"
                                               "7zXZ",
                                               "an xz archive"},
                                              {"\x28\xB5\x2F\xFD", "a zstd archive"},
                                              {"7z\xBC\xAF", "a 7-Zip archive"},
                                              {"Rar!", "a RAR archive"},
                                              {"ustar", "a tar archive", 257},
                                              {"\xD0\xCF\x11\xE0", "an old Office file"},
                                              {"AT&TFORM", "a DjVu file"},
                                              {"{\\rtf", "an RTF file", 0, true},
                                              {"%!PS", "a PostScript file", 0, true},
                                              {"BOOKMOBI", "a Kindle book", 60}}};

// A text may begin with the letters "ID3" or "RIFF": then it has none of a binary file's control characters.
bool has_controls(std::string_view head) {
  return std::any_of(head.begin(), head.end(),
                     [](char c) { return (c >= 0 && c < '\t') || (c > '\r' && c < ' ' && c != '\x1B'); });
}

void refuse_binary(const std::string& where, std::string_view head) {
  head = head.substr(0, 4096);
  const bool binary = has_controls(head);
  for (const Magic& magic : kBinaries) {
    const bool begins = head.size() > magic.at && head.substr(magic.at).starts_with(magic.bytes);
    if (begins && (binary || magic.printable)) {
      throw_user_error(where, ": is ", magic.kind, ", not a text", kAdvice);
    }
  }
}

class Descriptor {
 public:
  explicit Descriptor(int fd, bool owned) : fd_(fd), owned_(owned) {}
  ~Descriptor() {
    if (owned_ && fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
  bool owned_;
};

std::string reason(int error) { return std::strerror(error); }

std::string read_all(int fd, const std::string& where) {
  std::string bytes;
  std::size_t used = 0;
  for (;;) {
    if (used == bytes.size()) bytes.resize(std::max<std::size_t>(1 << 16, used * 2));
    const ssize_t got = ::read(fd, bytes.data() + used, bytes.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_user_error(where, ": cannot be read: ", reason(errno));
    if (got == 0) break;
    const bool first = used == 0;
    used += static_cast<std::size_t>(got);
    if (first) refuse_binary(where, std::string_view(bytes).substr(0, used));
    if (used > kMaxDocumentBytes) {
      throw_user_error(where, ": is larger than ", kMaxDocumentBytes >> 20, " MiB; split it into parts");
    }
  }
  bytes.resize(used);
  return bytes;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

bool one_of(std::string_view extension, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), extension) != list.end();
}

bool begins_as_html(std::string_view bytes) {
  std::string head = decode_text(bytes.substr(0, 1024)).text;
  std::size_t at = head.find_first_not_of(" \t\n\f");
  if (at == std::string::npos) return false;
  head = lower(head.substr(at));
  if (head.starts_with("<?xml")) return head.find("<html") != std::string::npos;
  return head.starts_with("<!doctype html") || head.starts_with("<html");
}

DocumentType identify_zip(const DocumentSource& source, std::string_view extension) {
  const std::string_view head = std::string_view(source.bytes).substr(0, 4096);
  if (extension == ".epub" || head.find("application/epub+zip") != std::string_view::npos ||
      source.bytes.find("META-INF/container.xml") != std::string::npos) {
    return DocumentType::kEpub;
  }
  const bool office = one_of(extension, {".docx", ".odt", ".pptx", ".xlsx"}) ||
                      head.find("[Content_Types].xml") != std::string_view::npos ||
                      head.find("opendocument") != std::string_view::npos;
  if (office) throw_user_error(source.where, ": is an Office file; save it as PDF, HTML or plain text first");
  throw_user_error(source.where, ": is a zip archive, not a text; unpack it and name the folder");
}

}  // namespace

std::vector<std::string> decoding_warnings(const std::string& where, const Decoded& decoded) {
  std::vector<std::string> warnings;
  if (decoded.guessed) warnings.push_back(cat(where, ": read as ", decoded.encoding, ", which is a guess"));
  if (decoded.replaced > 0) {
    warnings.push_back(
        cat(where, ": ", decoded.replaced, " characters are not ", decoded.encoding, "; they became U+FFFD"));
  }
  if (decoded.nuls > 0) warnings.push_back(cat(where, ": ", decoded.nuls, " NUL characters were left out"));
  return warnings;
}

std::string printable(const std::filesystem::path& path) {
  std::string out;
  for (const char c : valid_utf8(path.string())) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += "\xEF\xBF\xBD";
    } else {
      out += c;
    }
  }
  return out;
}

DocumentSource read_source(const std::filesystem::path& path) {
  const bool standard_input = path == "-";
  DocumentSource source;
  source.where = standard_input ? "stdin" : printable(path);
  source.name = standard_input ? "stdin" : printable(path.filename());
  const Descriptor file(standard_input ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC), !standard_input);
  if (file.get() < 0 && errno == ENOENT) throw_user_error(source.where, ": no such file or folder; check the name");
  if (file.get() < 0) throw_user_error(source.where, ": cannot be opened: ", reason(errno));
  source.bytes = read_all(file.get(), source.where);
  if (source.bytes.empty()) throw_user_error(source.where, ": is empty; give a file with text in it");
  return source;
}

DocumentType identify(const DocumentSource& source) {
  const std::string_view bytes = source.bytes;
  const std::string extension = lower(std::filesystem::path(source.name).extension().string());
  refuse_binary(source.where, bytes);
  // A PDF may have some bytes before its header (PDF 1.7, implementation note 13).
  const bool pdf_header = bytes.substr(0, 1024).find("%PDF-") != std::string_view::npos;
  if (bytes.starts_with("%PDF-") || (extension == ".pdf" && pdf_header)) return DocumentType::kPdf;
  if (extension == ".pdf") throw_user_error(source.where, ": has no PDF header; the file is damaged or not a PDF");
  if (bytes.starts_with("PK\x03\x04")) return identify_zip(source, extension);
  if (extension == ".epub")
    throw_user_error(source.where, ": is not a zip archive, so not an EPUB; fetch the book again");
  if (one_of(extension, {".html", ".htm", ".xhtml", ".xht"})) return DocumentType::kHtml;
  if (one_of(extension, {".txt", ".md", ".markdown"})) return DocumentType::kText;
  return begins_as_html(bytes) ? DocumentType::kHtml : DocumentType::kText;
}

}  // namespace tome
