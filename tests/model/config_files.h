// For the tests of configurations: everything in one line of text, so that two can be compared and a failure read.
#pragma once

#include <sstream>
#include <string>

#include "model/config.h"

namespace tome {

inline std::string described(const ModelConfig& c) {
  std::ostringstream out;
  out << (c.family == Family::kLlama ? "llama" : "gemma3") << " layers " << c.layers << " width " << c.width
      << " heads " << c.heads << "/" << c.kv_heads << " x " << c.head_width << " ff " << c.feed_forward
      << " vocabulary " << c.vocabulary << " epsilon " << c.norm_epsilon << " context " << c.context_length
      << " window " << c.sliding_window << " sliding ";
  for (const bool sliding : c.sliding) out << (sliding ? 's' : 'g');
  const RopeScaling& r = c.rope_scaling;
  out << " theta " << c.rope_theta << " " << c.rope_theta_sliding << " scaling " << to_string(r) << " betas "
      << r.beta_fast << " " << r.beta_slow << " attention factor " << r.attention_factor << " mscale " << r.mscale
      << " " << r.mscale_all_dim << " truncate " << r.truncate << " low/high " << r.low_frequency_factor << " "
      << r.high_frequency_factor << " factors " << r.frequency_factors.size()
      << (c.rope_layout == RopeLayout::kPairs ? " pairs" : " halves") << " scale " << c.attention_scale << " embedding "
      << c.embedding_scale << (c.tied_output ? " tied" : " untied");
  return out.str();
}

}  // namespace tome
