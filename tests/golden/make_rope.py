#!/usr/bin/env python3
"""RoPE frequencies and attention factors by transformers for every scaling: rope.json, read by tests/model/rope_test.cc.

    python -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python make_rope.py

Each case: head width, theta, settings as in config.json's rope_parameters, trained window, length of the input (dynamic
NTK), inv_freq [head width / 2] and attention_factor.
"""

import json
import pathlib

import transformers
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

FILE = pathlib.Path(__file__).resolve().parent / "rope.json"
WINDOW = 8192
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": WINDOW}
SCALINGS = {  # name: (settings, length of the input)
    "default": ({"rope_type": "default"}, 0),
    "linear": ({"rope_type": "linear", "factor": 8.0}, 0),
    "dynamic-inside": ({"rope_type": "dynamic", "factor": 4.0}, WINDOW),
    "dynamic": ({"rope_type": "dynamic", "factor": 4.0}, 30001),
    "yarn": (YARN, 0),
    "yarn-12.25": (YARN | {"factor": 12.25}, 0),
    "yarn-betas": (YARN | {"beta_fast": 24.0, "beta_slow": 2.0}, 0),
    "yarn-attention-factor": (YARN | {"attention_factor": 1.25}, 0),
    "yarn-untruncated": (YARN | {"truncate": False}, 0),
    "yarn-mscale": (YARN | {"mscale": 1.0, "mscale_all_dim": 0.5}, 0),
    "yarn-short-window": (YARN | {"original_max_position_embeddings": 64}, 0),  # range clamped at the front
    "yarn-long-window": (YARN | {"original_max_position_embeddings": 1 << 30}, 0),  # and at the back
    "llama3": ({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                "original_max_position_embeddings": WINDOW}, 0),
    "llama3-32": ({"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 2.0, "high_freq_factor": 5.0,
                   "original_max_position_embeddings": WINDOW}, 0),
}


def compute(width, theta, settings, tokens):
    config = LlamaConfig(hidden_size=width, num_attention_heads=1, head_dim=width, max_position_embeddings=WINDOW,
                         rope_parameters=settings | {"rope_theta": theta})
    if settings["rope_type"] == "default":
        return LlamaRotaryEmbedding(config).inv_freq, 1.0
    return ROPE_INIT_FUNCTIONS[settings["rope_type"]](config, "cpu", seq_len=tokens or None)


def main():
    transformers.utils.logging.set_verbosity_error()
    cases = []
    for width in (64, 128):
        for theta in (10000.0, 100000.0, 500000.0):
            for name, (settings, tokens) in SCALINGS.items():
                frequencies, factor = compute(width, theta, dict(settings), tokens)
                cases.append({"name": name, "head_width": width, "theta": theta, "window": WINDOW, "tokens": tokens,
                              "rope_parameters": settings, "attention_factor": float(factor),
                              "inv_freq": [float(f"{value:.9g}") for value in frequencies.double().tolist()]})
    FILE.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


if __name__ == "__main__":
    main()
