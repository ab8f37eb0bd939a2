#!/usr/bin/env python3
"""One LoRA training step with PyTorch + transformers + PEFT on this CPU: seconds and peak RSS, one JSON object.

The model is the GGUF file dequantised to bf16 (or f32); LoRA on all linear layers, adapters in the same type; SDPA; the last `--targets`
tokens are the targets; the step is forward, backward and AdamW. Start a new process for each figure: the peak counts
the whole process.
"""

import argparse
import json
import os
import pathlib
import resource
import statistics
import time

import peft
import torch
import transformers

WARM_UP_TOKENS = 64


def default_model(name: str) -> pathlib.Path:
    data = os.environ.get("XDG_DATA_HOME") or pathlib.Path.home() / ".local/share"
    return pathlib.Path(data) / "tome" / "models" / f"{name}.gguf"


def load(path: pathlib.Path, rank: int, checkpointing: bool, dtype: torch.dtype) -> torch.nn.Module:
    model = transformers.AutoModelForCausalLM.from_pretrained(
        str(path.parent), gguf_file=path.name, dtype=dtype, attn_implementation="sdpa",
        quantization_config=transformers.GgufConfig(dequantize=True))
    model.config.use_cache = False
    if checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
        model.enable_input_require_grads()
    config = peft.LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")
    return peft.get_peft_model(model, config, autocast_adapter_dtype=False).train()


def step(model: torch.nn.Module, optimizer: torch.optim.Optimizer, tokens: int, targets: int, seed: int) -> float:
    """Returns the loss."""
    # Ids below 100 are special tokens; both vocabularies have more than 40,000.
    ids = torch.randint(100, 40_000, (1, tokens), generator=torch.Generator().manual_seed(seed))
    labels = ids.clone()
    labels[:, :-targets] = -100
    loss = model(input_ids=ids, labels=labels).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=("smollm2", "gemma"), required=True)
    parser.add_argument("--gguf", type=pathlib.Path, help="the file (default: where `tome pull` keeps it)")
    parser.add_argument("--tokens", type=int, required=True)
    parser.add_argument("--targets", type=int, default=256)
    parser.add_argument("--gradient-checkpointing", choices=("on", "off"), default="on")
    parser.add_argument("--dtype", choices=("bf16", "f32"), default="bf16",
                        help="of model and adapters; without bf16 instructions f32 is the faster one")
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--steps", type=int, default=1, help="the median of this many is given")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    if not 0 < arguments.targets < arguments.tokens:
        parser.error(f"--targets: got {arguments.targets}, expected 1 to {arguments.tokens - 1} (below --tokens)")

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    model = load(arguments.gguf or default_model(arguments.model), arguments.rank,
                 arguments.gradient_checkpointing == "on",
                 torch.float32 if arguments.dtype == "f32" else torch.bfloat16)
    adapters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(adapters, lr=1e-4)
    step(model, optimizer, WARM_UP_TOKENS, WARM_UP_TOKENS // 2, seed=0)

    samples, losses = [], []
    for seed in range(1, arguments.steps + 1):
        start = time.perf_counter()
        losses.append(step(model, optimizer, arguments.tokens, arguments.targets, seed))
        samples.append(time.perf_counter() - start)
    seconds = statistics.median(samples)
    print(json.dumps({
        "torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__,
        "model": arguments.model, "tokens": arguments.tokens, "targets": arguments.targets,
        "gradient_checkpointing": arguments.gradient_checkpointing, "rank": arguments.rank,
        "threads": arguments.threads, "dtype": arguments.dtype, "adapter_dtype": str(adapters[0].dtype).removeprefix("torch."),
        "adapter_parameters": sum(p.numel() for p in adapters),
        "loss": losses, "seconds": seconds, "tokens_per_second": arguments.tokens / seconds,
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }))


if __name__ == "__main__":
    main()
