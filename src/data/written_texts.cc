#include "data/written_texts.h"

#include "base/error.h"
#include "data/books.h"
#include "eval/answerers/passages.h"
#include "text/document.h"
#include "text/document_folder.h"

namespace tome::data {
namespace {

constexpr std::int64_t kSpare = 4;  // a stretch by itself has a few tokens more than within the text

std::vector<std::string> stretches(const std::string& text, std::int64_t tokens, std::int64_t most,
                                   const Tokenizer& tokenizer) {
  if (most == 0 || tokens <= most) return {text};
  std::vector<std::string> parts;
  for (const std::string_view part :
       eval::cut_passages(text, std::max<std::int64_t>(1, most - kSpare), eval::offsets_of(tokenizer))) {
    parts.emplace_back(part);
  }
  return parts;
}

}  // namespace

std::vector<WrittenText> written_texts(const std::vector<std::filesystem::path>& paths, const TextRange& range,
                                       const std::string& licence, const Tokenizer& tokenizer,
                                       std::vector<std::string>& notes) {
  std::vector<DocumentFile> files;
  for (const std::filesystem::path& path : paths) list_files(path, files);
  const auto count = [&](const std::string& text) {
    return static_cast<std::int64_t>(tokenizer.encode(text).ids.size());
  };
  std::vector<WrittenText> texts;
  std::int64_t outside = 0;
  for (const DocumentFile& file : files) {
    const std::string text = joined(paragraphs_of(read_documents({file.path}).text));
    const std::vector<std::string> parts = stretches(text, count(text), range.most, tokenizer);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const std::string name = file.path.filename().string();
      const std::int64_t tokens = count(parts[i]);
      if (tokens < range.least || (range.most > 0 && tokens > range.most)) {
        ++outside;
        continue;
      }
      texts.push_back(
          {parts.size() == 1 ? name : cat(name, ':', i + 1), parts[i], licence.empty() ? "unknown" : licence, tokens});
    }
  }
  if (outside > 0) notes.push_back(cat(outside, " texts or ends of texts are outside --tokens and are left out"));
  if (texts.empty()) throw_user_error("--write-questions: no text of at least ", range.least, " tokens; see --tokens");
  return texts;
}

}  // namespace tome::data
