// How plans are printed: named amounts, one a line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/plan.h"

namespace tome::cli {

void print_row(std::string_view name, const std::string& value);
/// A title and the parts in MiB.
void print_section(const std::string& title, const std::vector<PlanPart>& parts);

std::string mebibytes(double bytes);
std::string teraflop(double operations);

}  // namespace tome::cli
