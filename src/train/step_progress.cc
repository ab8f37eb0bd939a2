#include "train/step_progress.h"

#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "ops/kernels/kernels.h"
#include "train/spill_file.h"
#include "train/state_file.h"

namespace tome {
namespace {

namespace fs = std::filesystem;

// A number with every bit of it.
std::string exact(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%a", value);
  return text;
}

// A file that is whole; none when it is missing or was cut off: the work is then done again.
std::optional<StateFile> open_if_whole(const fs::path& path) {
  if (!fs::exists(path)) return std::nullopt;
  try {
    return StateFile(path);
  } catch (const UserError&) {
    return std::nullopt;
  }
}

}  // namespace

bool outlasts(double flops, double peak_flops, double seconds) {
  return peak_flops > 0 && flops / (ops::kernels().shares.training * peak_flops) >= seconds;
}

StepProgress::StepProgress(fs::path folder, std::string identity, std::span<float> gradient)
    : folder_(std::move(folder)), identity_(std::move(identity)), gradient_(gradient) {
  fs::create_directories(folder_);
  if (fs::exists(folder_ / kSpillName)) load();
}

std::string StepProgress::pass_identity() const { return cat(identity_, " pass ", passes_done_); }

void StepProgress::load() {
  if (const auto file = open_if_whole(folder_ / "backward"); file && file->word("step") == identity_) {
    passes_done_ = std::strtoull(file->word("passes_done").c_str(), nullptr, 10);
    loss_done_ = std::strtod(file->word("loss_done").c_str(), nullptr);
    Backward place;
    place.layers_left = std::strtoull(file->word("layers_left").c_str(), nullptr, 10);
    place.loss = std::strtod(file->word("loss").c_str(), nullptr);
    const auto gradient = file->part("gradient");
    TOME_CHECK(gradient.size() == gradient_.size_bytes());
    std::memcpy(gradient_.data(), gradient.data(), gradient.size());
    if (place.layers_left > 0) {
      backward_ = place;
    } else {
      ++passes_done_;
      loss_done_ += place.loss;
    }
  }
  if (const auto file = open_if_whole(folder_ / "forward"); file && file->word("pass") == pass_identity()) {
    layers_forward_ = std::strtoull(file->word("layers").c_str(), nullptr, 10);
  }
}

void StepProgress::forward_done(std::size_t layers) {
  layers_forward_ = layers;
  write_state_file(folder_ / "forward", {{"pass", pass_identity()}, {"layers", cat(layers)}}, {});
}

void StepProgress::read_d(std::span<std::byte> d) const {
  const StateFile file(folder_ / "backward");
  const auto part = file.part("d");
  TOME_CHECK(part.size() == d.size());
  std::memcpy(d.data(), part.data(), d.size());
}

void StepProgress::backward_done(const Backward& place, std::span<const std::byte> d) {
  write_state_file(folder_ / "backward",
                   {{"step", identity_},
                    {"passes_done", cat(passes_done_)},
                    {"loss_done", exact(loss_done_)},
                    {"layers_left", cat(place.layers_left)},
                    {"loss", exact(place.loss)}},
                   {{"d", d}, {"gradient", std::as_bytes(gradient_)}});
  backward_ = place;
  if (place.layers_left > 0) return;
  backward_.reset();
  layers_forward_ = 0;
  ++passes_done_;
  loss_done_ += place.loss;
}

void StepProgress::remove() const {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

}  // namespace tome
