#include "model/head_rotation.h"

#include "ops/kernels/kernels.h"

namespace tome {

HeadRotation::HeadRotation(const ModelConfig& config)
    : config_(config),
      global_(Rope(config.head_width, config.rope_theta, config.rope_scaling, config.context_length)),
      sliding_(Rope(config.head_width, config.sliding_window > 0 ? config.rope_theta_sliding : config.rope_theta,
                    RopeScaling{})) {}

void HeadRotation::rotate(std::size_t layer, std::span<const std::int64_t> positions, float* heads, std::size_t width,
                          Memory& memory, Direction direction) const {
  const auto& f32 = ops::kernels().f32_rows;
  const auto turn = config_.rope_layout == RopeLayout::kHalves ? f32.rope_half : f32.rope_pairs;
  const RopeRows& rope = config_.is_sliding(layer) ? sliding_ : global_;
  memory.cosine.reserve(rope.half_width());
  memory.sine.reserve(rope.half_width());
  memory.row.high = -1;
  for (const std::int64_t position : positions) {
    rope.row(position, memory.row, memory.cosine.data(), memory.sine.data());
    if (direction == Direction::kBackward) {
      for (float& sine : memory.sine.span()) sine = -sine;
    }
    turn(heads, width / config_.head_width, config_.head_width, memory.cosine.data(), memory.sine.data());
    heads += width;
  }
}

}  // namespace tome
