// The token ids of a prompt, part by part: reading, asking and training put the same ids before a model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "text/layout.h"
#include "text/tokenizer.h"

namespace tome {

/// The part that is read once: BOS, the layout's words, the document, the layout's words after it.
struct DocumentPrompt {
  std::vector<TokenId> ids;
  std::vector<std::uint32_t> offsets;  // the byte of the document at which each begins; one more than ids
  std::size_t begin = 0, end = 0;      // the document's own ids
};

/// `first_question`: stands before the document too; empty: none.
DocumentPrompt encode_document(const Tokenizer& tokenizer, const Layout& layout, std::string_view document,
                               std::string_view first_question = {});

/// Takes `count` of the document's ids out, from the id at `from` on: begin <= from, from + count <= end.
void cut_document(DocumentPrompt& prompt, std::size_t from, std::size_t count);

/// What follows a document: the question in the layout's words, up to where the answer begins.
std::vector<TokenId> encode_question(const Tokenizer& tokenizer, const Layout& layout, std::string_view question);

/// An answer ends at its first line end, so a second line never shows.
bool ends_at_line(const Layout& layout);

/// What a model is to write after encode_question: the answer, and what ends it. Layouts with stops end an answer with
/// the first of them, the others with the end-of-turn token of their template, or else the tokenizer's end token. A
/// space stands before the answer where the layout's words end in one (as "Answer:"). Throws UserError when the
/// tokenizer has no token to end with.
std::vector<TokenId> encode_answer(const Tokenizer& tokenizer, const Layout& layout, std::string_view answer);

/// The first words of an answer that the model is to go on with.
std::vector<TokenId> encode_answer_begin(const Tokenizer& tokenizer, const Layout& layout, std::string_view words);

}  // namespace tome
