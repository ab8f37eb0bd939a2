// The files of published question sets: how many documents they have, and each with its questions.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string_view>

#include "data/row_source.h"

namespace tome::data {

class QuestionFile {
 public:
  virtual ~QuestionFile() = default;
  virtual std::size_t documents() const = 0;
  /// Its text, questions and what is known of source and licence; not the tokens. Without questions when none has an
  /// answer. Throws UserError naming file and line.
  virtual BuiltRow read(std::size_t document) const = 0;
};

/// `name`: as in question_sets.h. Throws UserError.
std::unique_ptr<QuestionFile> open_question_file(std::string_view name, const std::filesystem::path& path);

}  // namespace tome::data
