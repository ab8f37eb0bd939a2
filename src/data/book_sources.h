// Questions made over real books, whose answers are known because of how they are made.
#pragma once

#include <memory>
#include <string_view>

#include "data/row_source.h"

namespace tome::data {

/// "order": in which order four sentences of the book stand.
/// "count": how many times a name stands in the text.
/// "keys":  numbers of names, put between the paragraphs, evenly over the depth that is asked for.
/// "chain": a number that is found by following three such facts, which stand in any order.
/// Null for another name. Throws UserError without books.
std::unique_ptr<RowSource> make_book_source(std::string_view name, const BuildRequest& request);

}  // namespace tome::data
