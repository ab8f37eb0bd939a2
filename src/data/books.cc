#include "data/books.h"

#include <algorithm>

#include "base/error.h"
#include "text/document.h"
#include "text/document_folder.h"

namespace tome::data {
namespace {

constexpr std::size_t kMostLoaded = 4;

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r\v\f") == std::string_view::npos; }

// Project Gutenberg's marks: "*** START OF THE PROJECT GUTENBERG EBOOK ... ***", and END.
std::string_view body_of(std::string_view text) {
  const std::size_t start = text.find("*** START OF");
  if (start != std::string_view::npos) text.remove_prefix(std::min(text.size(), text.find('\n', start)));
  return text.substr(0, text.find("*** END OF"));
}

}  // namespace

std::string joined(const std::vector<std::string>& paragraphs) {
  std::string text;
  for (const std::string& paragraph : paragraphs) {
    if (!text.empty()) text += "\n\n";
    text += paragraph;
  }
  return text;
}

std::vector<std::string> paragraphs_of(std::string_view text) {
  std::vector<std::string> paragraphs;
  std::string paragraph;
  const auto finish = [&] {
    if (!paragraph.empty()) paragraphs.push_back(std::move(paragraph));
    paragraph = {};
  };
  text = body_of(text);
  while (!text.empty()) {
    const std::size_t end = std::min(text.size(), text.find('\n'));
    const std::string_view line = text.substr(0, end);
    if (is_blank(line)) {
      finish();
    } else {
      if (!paragraph.empty()) paragraph += '\n';
      paragraph += line;
    }
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  finish();
  return paragraphs;
}

Books::Books(const std::filesystem::path& folder, std::function<std::int64_t(std::string_view)> count_tokens)
    : count_tokens_(std::move(count_tokens)) {
  std::vector<DocumentFile> files;
  list_files(folder, files);
  for (const DocumentFile& file : files) paths_.push_back(file.path);
  if (paths_.empty()) throw_user_error("--books ", folder.string(), ": holds no document");
}

const Books::Book& Books::load(std::size_t index) {
  const auto same = [&](const auto& entry) { return entry.first == index; };
  const auto found = std::find_if(loaded_.begin(), loaded_.end(), same);
  if (found != loaded_.end()) return found->second;
  Book book;
  book.name = paths_[index].stem().string();
  book.paragraphs = paragraphs_of(read_documents({paths_[index]}).text);
  for (const std::string& paragraph : book.paragraphs) {
    book.tokens.push_back(count_tokens_(paragraph + "\n\n"));
    book.all += book.tokens.back();
  }
  if (loaded_.size() == kMostLoaded) loaded_.erase(loaded_.begin());
  loaded_.emplace_back(index, std::move(book));
  return loaded_.back().second;
}

Excerpt Books::excerpt(std::int64_t tokens, eval::Choices& choices) {
  const std::size_t first = static_cast<std::size_t>(choices.below(paths_.size()));
  const Book& begin = load(first);
  // The last paragraph from which the book still holds enough.
  std::size_t last = 0;
  for (std::int64_t left = begin.all; last < begin.tokens.size() && left - begin.tokens[last] >= tokens; ++last) {
    left -= begin.tokens[last];
  }
  std::size_t at = static_cast<std::size_t>(choices.below(last + 1));
  Excerpt excerpt{begin.name, {}};
  std::int64_t taken = 0;
  for (std::size_t i = 0; i < paths_.size(); ++i, at = 0) {
    const Book& book = load((first + i) % paths_.size());
    for (; at < book.paragraphs.size(); ++at) {
      if (taken + book.tokens[at] > tokens && !excerpt.paragraphs.empty()) return excerpt;
      taken += book.tokens[at];
      excerpt.paragraphs.push_back(book.paragraphs[at]);
    }
  }
  if (taken < tokens / 2) {
    throw_user_error("--books: all ", paths_.size(), " together have ", taken, " tokens, fewer than the ", tokens,
                     " of one row; add books or lower --tokens");
  }
  return excerpt;
}

}  // namespace tome::data
