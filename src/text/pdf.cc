#include "text/pdf.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/error.h"
#include "text/encoding.h"
#include "text/pdf_child.h"

namespace tome {
namespace {

// "Syntax Error (123): Illegal character": the first line of that kind, or of any kind.
std::string first_complaint(const std::string& errors, std::string_view kind) {
  const std::size_t found = errors.find(kind);
  if (found == std::string::npos) return {};
  std::string line = valid_utf8(errors.substr(found, errors.find('\n', found) - found));
  for (char& c : line) c = static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  return line;
}

void check(const std::string& where, const ChildResult& child, const ChildLimits& limits) {
  if (child.too_long) {
    throw_user_error(where, ": pdftotext took more than ", limits.processor_time.count(),
                     " seconds; split the PDF or save it as text");
  }
  if (child.too_much) {
    throw_user_error(where, ": has more than ", limits.output >> 20, " MiB of text; split the PDF into parts");
  }
  if (child.exit_code == 0) return;
  if (child.errors.find("Incorrect password") != std::string::npos) {
    throw_user_error(where, ": is encrypted with a password; save a copy without it, for example with qpdf --decrypt");
  }
  const std::string complaint = first_complaint(child.errors, "Error");
  throw_user_error(where, ": the PDF cannot be read", complaint.empty() ? "" : " (" + complaint + ")",
                   "; it is damaged, or needs more than ", limits.memory >> 30, " GiB; fetch it again");
}

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\t'; }

// Without empty lines at the top, blanks at the end, and the control characters of fonts that name no letters.
std::string clean_page(std::string_view page) {
  std::string text;
  for (const char c : page) {
    if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') text += c;
  }
  while (!text.empty() && is_blank(text.back())) text.pop_back();
  text.erase(0, std::min(text.find_first_not_of('\n'), text.size()));
  return text;
}

void append_pages(std::string_view text, Document& document) {
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\f', at), text.size());
    const std::string page = clean_page(text.substr(at, end - at));
    at = end + 1;
    ++number;
    if (page.empty()) {
      ++document.empty_pages;
      continue;
    }
    if (!document.text.empty()) {
      document.text += '\n';
      document.sections.back().end = document.text.size();
    }
    const std::size_t begin = document.text.size();
    document.text += cat("[page ", number, "]\n", page, "\n");
    document.sections.push_back({cat("page ", number), begin, document.text.size()});
  }
}

}  // namespace

Document read_pdf(const DocumentSource& source) {
  const std::filesystem::path program = find_program("pdftotext");
  if (program.empty()) {
    throw_user_error(source.where, ": reading a PDF needs pdftotext; install it (Debian: apt install poppler-utils)");
  }
  const ChildLimits limits;
  const ChildResult child =
      run_child(program, {"-enc", "UTF-8", "-eol", "unix", "/proc/self/fd/0", "-"}, source.bytes, limits);
  check(source.where, child, limits);
  Document document;
  append_pages(decode_utf8(child.output).text, document);
  const std::string complaint = first_complaint(child.errors, "Syntax Error");
  if (!complaint.empty())
    document.warnings.push_back(cat(source.where, ": the PDF has faults, text may be missing (", complaint, ")"));
  return document;
}

}  // namespace tome
