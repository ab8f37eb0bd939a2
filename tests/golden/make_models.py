#!/usr/bin/env python3
"""Tiny random models of both families and their logits by PyTorch + transformers: the goldens of tests/model.

    python -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python make_models.py

Writes models/<model>/: a Hugging Face folder (config.json, safetensors in f32), config.<variant>.json files that share
its weights, golden.safetensors and golden.json. README.md beside this file says how the tests read them.
"""

import copy
import json
import pathlib
import shutil

import torch
import transformers
from refused_settings import write_refused_configs
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, Gemma3TextConfig, LlamaConfig

FOLDER = pathlib.Path(__file__).resolve().parent / "models"
TOKENS = 50  # longer than Gemma's window (16) and than the "dynamic" model's trained length (32)
ROWS = [0, 1, 2, 15, 16, 17, 31, 32, 33, 47, 48, 49]  # rows kept in full: first, last, both sides of window borders
NTK_FACTOR = 4.0

# Shared weights: GQA 4/2, head width 16 that is not 24 / 4, tied embeddings, odd vocabulary, a tail in every vector.
LLAMA = dict(
    vocab_size=161, hidden_size=24, intermediate_size=44, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, head_dim=16, rms_norm_eps=1e-3, max_position_embeddings=256, tie_word_embeddings=True,
    bos_token_id=1, eos_token_id=2, rope_parameters={"rope_type": "default", "rope_theta": 10000.0})
# GQA 3/1 as SmolLM2's 9/3, head width 10 = 30 / 3, own output matrix, Llama 3's base, sharded.
LLAMA_UNTIED = dict(
    vocab_size=129, hidden_size=30, intermediate_size=80, num_hidden_layers=2, num_attention_heads=3,
    num_key_value_heads=1, rms_norm_eps=1e-5, max_position_embeddings=2048, tie_word_embeddings=False,
    bos_token_id=1, eos_token_id=2, rope_parameters={"rope_type": "default", "rope_theta": 500000.0})
# Layer 5 of 0..6 is global; query_pre_attn_scalar is neither the head width nor hidden / heads.
GEMMA = dict(
    vocab_size=321, hidden_size=16, intermediate_size=28, num_hidden_layers=7, num_attention_heads=2,
    num_key_value_heads=1, head_dim=12, query_pre_attn_scalar=10, rms_norm_eps=1e-3, sliding_window=16,
    max_position_embeddings=256, tie_word_embeddings=True, bos_token_id=2, eos_token_id=1, pad_token_id=0,
    rope_parameters={"sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
                     "full_attention": {"rope_type": "default", "rope_theta": 1000000.0}})

LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 256}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 4096}
LLAMA_SCALINGS = {  # golden: (scaling, other settings)
    "linear": ({"rope_type": "linear", "factor": 4.0}, {}),
    # NTK by length: theta * (factor * T / trained - (factor - 1)) ^ (d / (d - 2)) for T tokens beyond `trained`.
    "dynamic": ({"rope_type": "dynamic", "factor": 2.0}, {"max_position_embeddings": 32}),
    "yarn": (YARN, {"max_position_embeddings": 16384}),
    "yarn-options": (YARN | {"beta_fast": 24.0, "beta_slow": 2.0, "attention_factor": 1.25, "truncate": False},
                     {"max_position_embeddings": 16384}),
    "yarn-mscale": (YARN | {"mscale": 1.0, "mscale_all_dim": 0.5}, {"max_position_embeddings": 16384}),
    "llama3": (LLAMA3, {"max_position_embeddings": 2048}),
}
GEMMA_SCALINGS = {"linear": ({"rope_type": "linear", "factor": 8.0}, {}), "yarn": LLAMA_SCALINGS["yarn"]}


def random_weights(model, seed):
    """Weights that matter: attention scores of a few units (so that RoPE shows), norms away from their default."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            noise = torch.randn(tensor.shape, generator=generator)
            if name.endswith("norm.weight"):
                tensor.add_(0.3 * noise)
            elif "embed_tokens" in name:
                tensor.copy_(noise if model.config.model_type == "llama" else noise / tensor.shape[1] ** 0.5)
            else:
                gain = 2.0 if "q_proj" in name or "k_proj" in name else 1.0
                tensor.copy_(gain * noise / tensor.shape[1] ** 0.5)


def write_json(path, value):
    path.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n")


def save_model(name, config, seed, max_shard_size="5GB"):
    """The folder models/<name>; returns its config.json (5.x spelling: everything about RoPE in rope_parameters)."""
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    random_weights(model, seed)
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder, max_shard_size=max_shard_size)
    (folder / "generation_config.json").unlink(missing_ok=True)
    return json.loads((folder / "config.json").read_text())


def spelled_before_5(config):
    """The same settings as files written before transformers 5 spell them: rope_theta, rope_scaling, torch_dtype."""
    old = copy.deepcopy(config)
    rope = old.pop("rope_parameters")
    if old["model_type"] == "gemma3_text":
        old["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
        old["sliding_window_pattern"] = old.pop("layer_types").index("full_attention") + 1
        del old["_sliding_window_pattern"]
        rope = rope["full_attention"]
    old["rope_theta"] = rope.pop("rope_theta")
    old["rope_scaling"] = None if rope["rope_type"] == "default" else rope
    if old["model_type"] == "llama" and rope["rope_type"] in ("linear", "dynamic"):  # before 4.43 the key was "type"
        rope["type"] = rope.pop("rope_type")
    old["torch_dtype"] = old.pop("dtype")
    old["transformers_version"] = "4.50.0"
    return old


def run(folder, config, ids, dtype):
    model = AutoModelForCausalLM.from_pretrained(folder, config=config, dtype=dtype, attn_implementation="eager").eval()
    with torch.no_grad():
        return model(ids[None], use_cache=False).logits[0]


def relative_l2(got, expected):
    return float((got.double() - expected.double()).norm() / expected.double().norm())


class Goldens:
    """Collects the goldens of one folder; `add` runs one config file, `same` checks that another spelling agrees."""

    def __init__(self, name, config_class, seed):
        self.folder, self.config_class = FOLDER / name, config_class
        vocabulary = json.loads((self.folder / "config.json").read_text())["vocab_size"]
        self.ids = torch.randint(0, vocabulary, (TOKENS,), generator=torch.Generator().manual_seed(seed))
        self.tensors = {"input_ids": self.ids.to(torch.int32), "rows": torch.tensor(ROWS, dtype=torch.int32)}
        self.facts = {"attn_implementation": "eager", "torch": torch.__version__,
                      "transformers": transformers.__version__, "configs": {}, "goldens": {}}
        self.logits = {}

    def write_config(self, variant, settings):
        file = "config.json" if variant == "base" else f"config.{variant}.json"
        write_json(self.folder / file, settings)
        return file, lambda: self.config_class.from_json_file(self.folder / file)

    def add(self, variant, settings):
        file, config = self.write_config(variant, settings)
        f32 = run(self.folder, config(), self.ids, torch.float32)
        bf16 = run(self.folder, config(), self.ids, torch.bfloat16)
        f64 = run(self.folder, config(), self.ids, torch.float64)
        for other, logits in self.logits.items():  # every setting must show, or a test could not see it missing
            assert relative_l2(f32, logits) > 0.02, f"{self.folder.name}: {variant} looks like {other}"
        self.logits[variant] = f32
        self.tensors[f"{variant}/logits"] = f32[ROWS].contiguous()
        self.tensors[f"{variant}/logits_bf16"] = bf16[ROWS].contiguous()
        self.tensors[f"{variant}/log_sum_exp"] = torch.logsumexp(f32, -1)
        self.facts["configs"][file] = variant
        self.facts["goldens"][variant] = {
            "bf16_relative_l2": relative_l2(bf16[ROWS], f32[ROWS]),
            "bf16_max_abs": float((bf16[ROWS].float() - f32[ROWS]).abs().max()),
            "f32_relative_l2": relative_l2(f32[ROWS], f64[ROWS])}
        print(self.folder.name, variant, self.facts["goldens"][variant])

    def same(self, spelling, settings, golden):
        file, config = self.write_config(spelling, settings)
        logits = run(self.folder, config(), self.ids, torch.float32)
        assert torch.equal(logits, self.logits[golden]), f"{self.folder.name}: {spelling} is not {golden}"
        self.facts["configs"][file] = golden

    def save(self):
        save_file(self.tensors, self.folder / "golden.safetensors")
        write_json(self.folder / "golden.json", self.facts)


def make_llama():
    base = save_model("llama", LlamaConfig(**LLAMA), seed=1)
    goldens = Goldens("llama", LlamaConfig, seed=2)
    goldens.add("base", base)
    goldens.same("base-old", spelled_before_5(base), "base")
    theta = base["rope_parameters"]["rope_theta"]
    for variant, (scaling, settings) in LLAMA_SCALINGS.items():
        config = base | settings | {"rope_parameters": scaling | {"rope_theta": theta}}
        goldens.add(variant, config)
        goldens.same(f"{variant}-old", spelled_before_5(config), variant)
    # Fixed NTK-aware scaling has no name in transformers: it is the plain model with another base.
    d = base["head_dim"]
    ntk_theta = theta * NTK_FACTOR ** (d / (d - 2))
    goldens.add("ntk", base | {"rope_parameters": {"rope_type": "default", "rope_theta": ntk_theta}})
    goldens.facts["goldens"]["ntk"]["factor"] = NTK_FACTOR
    goldens.save()


def make_llama_untied():
    base = save_model("llama-untied", LlamaConfig(**LLAMA_UNTIED), seed=3, max_shard_size="30KB")
    goldens = Goldens("llama-untied", LlamaConfig, seed=4)
    goldens.add("base", base)
    old = spelled_before_5(base)
    del old["head_dim"], old["tie_word_embeddings"]  # their defaults: hidden / heads and false
    goldens.same("base-old", old, "base")
    goldens.save()


def make_gemma():
    base = save_model("gemma", Gemma3TextConfig(**GEMMA), seed=5)
    goldens = Goldens("gemma", Gemma3TextConfig, seed=6)
    goldens.add("base", base)
    goldens.same("base-old", spelled_before_5(base), "base")
    for variant, (scaling, settings) in GEMMA_SCALINGS.items():
        config = copy.deepcopy(base) | settings
        config["rope_parameters"]["full_attention"].update(scaling)  # local layers are never scaled
        goldens.add(variant, config)
        goldens.same(f"{variant}-old", spelled_before_5(config), variant)
    layers = ["sliding_attention", "sliding_attention", "full_attention"] * 2 + ["sliding_attention"]
    config = base | {"layer_types": layers, "sliding_window": 7}
    goldens.add("pattern", config)
    goldens.same("pattern-old", spelled_before_5(config), "pattern")
    goldens.save()


def main():
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    make_llama()
    make_llama_untied()
    make_gemma()
    write_refused_configs(FOLDER)


if __name__ == "__main__":
    main()
