#!/usr/bin/env python3
"""LoRA on the tiny models by PEFT: logits, loss and gradients, the goldens of tests/train. Run make_models.py first.

Writes models/<model>/adapter/: a PEFT folder (random A and B on all linear layers), golden.safetensors, golden.json;
and, with logits alone, models/<model>/trained/: norms and embeddings trained too (modules_to_save), and
models/llama/patterned/: ranks and alphas by rank_pattern and alpha_pattern.
"""

import json
import shutil

import peft
import torch
import transformers
from make_models import FOLDER, ROWS, relative_l2, write_json
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
SETTINGS = {  # scale s of y = x W + s (x A) B: alpha / r = 2, and alpha / sqrt(r) = 1.5
    "llama": dict(r=4, lora_alpha=8), "gemma": dict(r=4, lora_alpha=3, use_rslora=True)}
# Rows whose next token is a target: two spans with a gap, the last target is the last token.
TARGET_ROWS = list(range(20, 28)) + list(range(40, 49))


# Norms and embeddings too. PEFT finds modules by the ends of their names: "norm" alone is every norm.
SAVED = {
    "llama": dict(r=2, lora_alpha=2, modules_to_save=["norm", "embed_tokens"], ensure_weight_tying=True),
    "llama-untied": dict(r=3, lora_alpha=2, modules_to_save=["norm", "embed_tokens", "lm_head"]),
    "gemma": dict(r=2, lora_alpha=2, modules_to_save=["norm", "embed_tokens"], ensure_weight_tying=True),
}

# Of several expressions that match, PEFT takes the file's first; sorted, each pair below would stand the other way.
PATTERNED = dict(
    r=4, lora_alpha=6,
    rank_pattern={r"layers\.1\.self_attn\.[qk]_proj": 6, "(k|v)_proj": 3, r"model.layers.\d+.mlp.(?:down|up)_proj": 2},
    alpha_pattern={"model.layers.0.mlp.up_proj": 12, ".*up_proj": 3, "^model.layers.1.self_attn.o_proj": 9, "proj": 1})


def load_base(folder, dtype):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation="eager")


def write_adapter(folder, settings, seed, name="adapter"):
    adapter = folder / name
    shutil.rmtree(adapter, ignore_errors=True)
    config = LoraConfig(target_modules=LINEAR, task_type="CAUSAL_LM", lora_dropout=0.0, **settings)
    model = get_peft_model(load_base(folder, torch.float32), config)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if "lora_" in name:  # both non-zero; B as large as training makes it, not PEFT's zeros
                tensor.copy_(0.5 * torch.randn(tensor.shape, generator=generator) / tensor.shape[1] ** 0.5)
            elif "modules_to_save" in name:
                tensor.add_(0.2 * torch.randn(tensor.shape, generator=generator))
    model.save_pretrained(adapter)
    (adapter / "README.md").unlink(missing_ok=True)
    written = json.loads((adapter / "adapter_config.json").read_text())
    written["base_model_name_or_path"] = folder.name
    written["target_modules"].sort()  # PEFT keeps a set
    if written["modules_to_save"]:
        written["modules_to_save"].sort()
    write_json(adapter / "adapter_config.json", written)
    return adapter


def forward_backward(folder, ids, targets, dtype):
    """Loss is the mean over targets of -log softmax(logits[i])[targets[i]]; returns logits, loss, {name: gradient}."""
    model = PeftModel.from_pretrained(load_base(folder, dtype), folder / "adapter", is_trainable=True)
    if dtype == torch.float64:
        model.double()
    model.requires_grad_(True)
    model.eval()
    logits = model(ids[None], use_cache=False).logits[0]
    loss_dtype = torch.promote_types(dtype, torch.float32)
    loss = torch.nn.functional.cross_entropy(logits.to(loss_dtype), targets, ignore_index=-100)
    loss.backward()
    gradients = {}
    for name, tensor in model.named_parameters():
        if "lora_" in name:  # as in adapter_model.safetensors
            gradients[name.replace(".default.", ".")] = tensor.grad
        elif "norm" in name or "embed_tokens" in name:  # as in model.safetensors
            gradients[name.removeprefix("base_model.model.").replace(".base_layer.", ".")] = tensor.grad
    return logits.detach(), loss.detach(), gradients


def flat(gradients, lora):
    return torch.cat([g.double().flatten() for name, g in sorted(gradients.items()) if ("lora_" in name) == lora])


def make(name, seed):
    folder = FOLDER / name
    adapter = write_adapter(folder, SETTINGS[name], seed)
    golden = load_file(folder / "golden.safetensors")
    ids = golden["input_ids"].long()
    targets = torch.full_like(ids, -100)
    targets[TARGET_ROWS] = ids[[row + 1 for row in TARGET_ROWS]]
    logits, loss, gradients = forward_backward(folder, ids, targets, torch.float32)
    assert relative_l2(logits[ROWS], golden["base/logits"]) > 0.1, "the adapter does not show"
    assert all(g.abs().max() > 1e-4 for g in gradients.values()), "a gradient is nearly zero"
    facts = {"attn_implementation": "eager", "peft": peft.__version__, "torch": torch.__version__,
             "transformers": transformers.__version__, "loss": float(loss), "targets": len(TARGET_ROWS)}
    for dtype in (torch.bfloat16, torch.float64):
        other_logits, other_loss, other = forward_backward(folder, ids, targets, dtype)
        facts[str(dtype).removeprefix("torch.") + "_gap"] = {
            "logits_relative_l2": relative_l2(other_logits[ROWS], logits[ROWS]),
            "loss": abs(float(other_loss - loss)),
            "lora_gradient_relative_l2": relative_l2(flat(other, True), flat(gradients, True)),
            "other_gradient_relative_l2": relative_l2(flat(other, False), flat(gradients, False)),
            "worst_gradient_relative_l2": max(relative_l2(other[key], gradients[key]) for key in gradients)}
    save_file({"input_ids": ids.to(torch.int32), "targets": targets.to(torch.int32),
               "rows": golden["rows"], "logits": logits[ROWS].contiguous(), "loss": loss.reshape(1)}
              | {f"gradient/{key}": value for key, value in gradients.items()}, adapter / "golden.safetensors")
    write_json(adapter / "golden.json", facts)
    print(name, json.dumps(facts, indent=1))


def make_trained(name, seed, settings, kind="trained"):
    folder = FOLDER / name
    adapter = write_adapter(folder, settings, seed, kind)
    config = json.loads((adapter / "adapter_config.json").read_text())
    for key in ("rank_pattern", "alpha_pattern"):
        config[key] = settings.get(key, {})  # in its order
    (adapter / "adapter_config.json").write_text(json.dumps(config, indent=1) + "\n")
    golden = load_file(folder / "golden.safetensors")
    ids = golden["input_ids"].long()
    model = PeftModel.from_pretrained(load_base(folder, torch.float32), adapter).eval()
    with torch.no_grad():
        logits = model(ids[None], use_cache=False).logits[0]
    assert relative_l2(logits[ROWS], golden["base/logits"]) > 0.1, "the adapter does not show"
    save_file({"input_ids": ids.to(torch.int32), "rows": golden["rows"], "logits": logits[ROWS].contiguous()},
              adapter / "golden.safetensors")


def main():
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    make("llama", seed=7)
    make("gemma", seed=8)
    for name, seed in (("llama", 9), ("llama-untied", 10), ("gemma", 11)):
        make_trained(name, seed, SAVED[name])
    make_trained("llama", 12, PATTERNED, "patterned")


if __name__ == "__main__":
    main()
