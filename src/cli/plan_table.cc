#include "cli/plan_table.h"

#include <iomanip>
#include <iostream>
#include <sstream>

namespace tome::cli {

void print_row(std::string_view name, const std::string& value) {
  std::cout << "  " << std::left << std::setw(42) << name << std::right << std::setw(14) << value << '\n';
}

void print_section(const std::string& title, const std::vector<PlanPart>& parts) {
  std::cout << '\n' << title << '\n';
  for (const PlanPart& part : parts) print_row(part.name, mebibytes(part.amount));
}

std::string mebibytes(double bytes) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(1) << bytes / (1 << 20) << " MiB";
  return text.str();
}

std::string teraflop(double operations) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(2) << operations * 1e-12 << " TFLOP";
  return text.str();
}

}  // namespace tome::cli
