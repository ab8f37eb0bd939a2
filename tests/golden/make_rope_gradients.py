#!/usr/bin/env python3
"""LoRA gradients by PEFT under every RoPE scaling, beyond the original window. Run make_adapters.py first.

Writes models/<model>/config.past-<scaling>.json, whose original window (32) is shorter than the golden's 50 tokens, and
models/<model>/adapter/rope_gradients.safetensors: for each scaling the loss and the gradients of attention's A and B.
"""

import json

import torch
import transformers
from make_adapters import TARGET_ROWS, flat
from make_models import FOLDER, NTK_FACTOR, relative_l2, write_json
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

WINDOW = 32
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": WINDOW}
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": WINDOW}
OPTIONS = {"beta_fast": 6.0, "beta_slow": 2.0, "attention_factor": 1.25, "truncate": False}
SCALINGS = {
    "llama": {"none": {"rope_type": "default"}, "linear": {"rope_type": "linear", "factor": 4.0},
              "ntk": {"rope_type": "default"}, "dynamic": {"rope_type": "dynamic", "factor": 2.0}, "yarn": YARN,
              "yarn-options": YARN | OPTIONS, "llama3": LLAMA3},
    "gemma": {"none": {"rope_type": "default"}, "linear": {"rope_type": "linear", "factor": 8.0}, "yarn": YARN},
}


def scaled(config, name, scaling):
    """The settings with `scaling` (Gemma: of its global layers) and a window that the text passes."""
    config = json.loads(json.dumps(config))
    longest = WINDOW * scaling["factor"] if "original_max_position_embeddings" in scaling else WINDOW
    config["max_position_embeddings"] = int(longest)
    rope = config["rope_parameters"]
    rope = rope.get("full_attention", rope)
    rope.update(scaling)
    if name == "ntk":  # which transformers knows as another base
        width = config["head_dim"]
        rope["rope_theta"] *= NTK_FACTOR ** (width / (width - 2))
    return config


def run(folder, config_file, ids, targets, dtype):
    config = AutoConfig.from_pretrained(folder / config_file)
    base = AutoModelForCausalLM.from_pretrained(folder, config=config, dtype=dtype, attn_implementation="eager")
    model = PeftModel.from_pretrained(base, folder / "adapter", is_trainable=True).to(dtype).eval()
    logits = model(ids[None], use_cache=False).logits[0]
    loss = torch.nn.functional.cross_entropy(logits, targets, ignore_index=-100)
    loss.backward()
    return loss.detach(), {name.replace(".default.", "."): tensor.grad for name, tensor in model.named_parameters()
                           if "lora_" in name and "self_attn" in name}


def make(name):
    folder = FOLDER / name
    base = json.loads((folder / "config.json").read_text())
    golden = load_file(folder / "adapter" / "golden.safetensors")
    ids, targets = golden["input_ids"].long(), golden["targets"].long()
    assert len(ids) > WINDOW and max(TARGET_ROWS) > WINDOW
    tensors, seen = {}, {}
    for scaling, settings in SCALINGS[name].items():
        file = f"config.past-{scaling}.json"
        write_json(folder / file, scaled(base, scaling, settings))
        loss, gradients = run(folder, file, ids, targets, torch.float32)
        noise = relative_l2(flat(run(folder, file, ids, targets, torch.float64)[1], True), flat(gradients, True))
        assert noise < 1e-5, f"{name} {scaling}: f32 is {noise} from f64"
        for other, them in seen.items():  # a scaling that is not applied must show
            gap = relative_l2(flat(gradients, True), flat(them, True))
            assert gap > 0.02, f"{name}: {scaling} is {gap} from {other}"
        seen[scaling] = gradients
        tensors |= {f"{scaling}/loss": loss.reshape(1)}
        tensors |= {f"{scaling}/{key}": value.contiguous() for key, value in gradients.items()}
        print(name, scaling, float(loss), noise)
    save_file(tensors, folder / "adapter" / "rope_gradients.safetensors")


def main():
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    for name in SCALINGS:
        make(name)


if __name__ == "__main__":
    main()
