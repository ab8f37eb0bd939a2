#include "text/document.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/error.h"
#include "text/document_folder.h"
#include "text/document_source.h"
#include "text/encoding.h"
#include "text/epub.h"
#include "text/html.h"
#include "text/pdf.h"

namespace tome {
namespace {

constexpr std::size_t kMaxJoinedBytes = 2 * kMaxDocumentBytes;
constexpr std::size_t kMaxSkipWarnings = 20;

Document read_plain(const DocumentSource& source) {
  Decoded decoded = decode_text(source.bytes);
  if (looks_binary(decoded)) {
    throw_user_error(source.where,
                     ": is not a text (it has binary data in it); tome reads txt, Markdown, HTML, EPUB and PDF");
  }
  Document document;
  document.warnings = decoding_warnings(source.where, decoded);
  document.text = std::move(decoded.text);
  document.sections.push_back({source.name, 0, document.text.size()});
  return document;
}

[[noreturn]] void throw_no_text(const std::string& where, std::size_t pages) {
  if (pages == 0) throw_user_error(where, ": holds no text; give a file with text in it");
  throw_user_error(where, ": its pages are pictures without text (", pages,
                   " of them); run text recognition over it, for "
                   "example ocrmypdf");
}

Document read_one(const std::filesystem::path& path) {
  const DocumentSource source = read_source(path);
  Document document;
  switch (identify(source)) {
    case DocumentType::kText:
      document = read_plain(source);
      break;
    case DocumentType::kHtml:
      document = read_html(source);
      break;
    case DocumentType::kEpub:
      document = read_epub(source);
      break;
    case DocumentType::kPdf:
      document = read_pdf(source);
      break;
  }
  document.name = source.name;
  if (document.text.find_first_not_of(" \t\n\v\f") == std::string::npos)
    throw_no_text(source.where, document.empty_pages);
  if (document.text.size() > kMaxDocumentBytes) {
    throw_user_error(source.where, ": has more than ", kMaxDocumentBytes >> 20, " MiB of text; split it into parts");
  }
  return document;
}

// Appends `part` behind a mark line that names it. The mark belongs to the part's first section.
void join(Document& whole, Document part, const std::string& label) {
  while (!whole.text.empty() && !whole.text.ends_with("\n\n")) whole.text += '\n';
  const std::size_t begin = whole.text.size();
  if (!whole.sections.empty()) whole.sections.back().end = begin;
  whole.text += cat("[file ", label, "]\n\n");
  const std::size_t shift = whole.text.size();
  whole.text += part.text;
  const bool alone = part.sections.size() == 1;
  for (Section& section : part.sections) {
    section.title = alone ? label : cat(label, ", ", section.title);
    section.begin = &section == &part.sections.front() ? begin : section.begin + shift;
    section.end += shift;
    whole.sections.push_back(std::move(section));
  }
  whole.empty_pages += part.empty_pages;
  std::move(part.warnings.begin(), part.warnings.end(), std::back_inserter(whole.warnings));
  if (whole.text.size() > kMaxJoinedBytes) {
    throw_user_error(label, ": with it the files hold more than ", kMaxJoinedBytes >> 20,
                     " MiB of text; give fewer files at a time");
  }
}

// Two files of the same name in different folders are told apart by their paths.
std::vector<std::string> labels_of(const std::vector<DocumentFile>& files) {
  std::vector<std::string> labels, names;
  for (const DocumentFile& file : files) names.push_back(file.label);
  std::sort(names.begin(), names.end());
  for (const DocumentFile& file : files) {
    const auto [first, last] = std::equal_range(names.begin(), names.end(), file.label);
    labels.push_back(last - first > 1 ? printable(file.path) : file.label);
  }
  return labels;
}

std::string joined_name(const std::vector<std::filesystem::path>& paths) {
  const std::string first = printable(name_of(paths.front()));
  return paths.size() == 1 ? first : cat(first, " and ", paths.size() - 1, " more");
}

struct Part {
  Document document;
  std::string label;
};

// Files that a folder happens to hold are skipped when unreadable; files that the user named are errors.
std::vector<Part> read_parts(const std::vector<DocumentFile>& files, std::vector<std::string>& warnings) {
  const std::vector<std::string> labels = labels_of(files);
  std::vector<Part> parts;
  std::size_t skipped = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    try {
      parts.push_back({read_one(files[i].path), labels[i]});
    } catch (const UserError& error) {
      if (!files[i].from_folder) throw;
      if (++skipped <= kMaxSkipWarnings) warnings.push_back(cat("skipped ", error.what()));
    }
  }
  if (skipped > kMaxSkipWarnings) warnings.push_back(cat("skipped ", skipped - kMaxSkipWarnings, " more files"));
  return parts;
}

}  // namespace

Document read_documents(const std::vector<std::filesystem::path>& paths) {
  if (paths.empty()) throw_user_error("no document given; name a file, a folder or - for stdin");
  if (std::count(paths.begin(), paths.end(), "-") > 1) throw_user_error("-: stdin can be read only once; name it once");
  Document whole;
  std::vector<DocumentFile> files;
  for (const std::filesystem::path& path : paths) list_files(path, files);
  std::vector<Part> parts = read_parts(files, whole.warnings);
  if (parts.empty())
    throw_user_error(printable(paths.front()), ": holds no file that can be read; add text files to it");
  if (parts.size() == 1) {
    Document only = std::move(parts.front().document);
    only.warnings.insert(only.warnings.begin(), whole.warnings.begin(), whole.warnings.end());
    return only;
  }
  for (Part& part : parts) join(whole, std::move(part.document), part.label);
  whole.name = joined_name(paths);
  return whole;
}

}  // namespace tome
