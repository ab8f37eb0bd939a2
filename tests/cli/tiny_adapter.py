"""A PEFT folder for the tiny model: rank 2 on chosen linear layers, random numbers, the standard library alone."""

import json
import random
import struct
from pathlib import Path

import tiny_model

RANK, ALPHA = 2, 4
SHAPES = {
    "self_attn.q_proj": (tiny_model.HEADS * tiny_model.HEAD_WIDTH, tiny_model.WIDTH),
    "self_attn.k_proj": (tiny_model.KV_HEADS * tiny_model.HEAD_WIDTH, tiny_model.WIDTH),
    "mlp.down_proj": (tiny_model.WIDTH, tiny_model.FEED_FORWARD),
}


def write_safetensors(path: Path, tensors: dict[str, tuple[list[int], list[float]]]) -> None:
    header: dict[str, object] = {}
    data = bytearray()
    for name, (shape, values) in tensors.items():
        begin = len(data)
        data += struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(data))


def write_adapter(folder: Path, seed: int = 5, rank: int = RANK, **use: object) -> str:
    """`use`: what tome.json says; without it there is none, as in a folder that PEFT wrote. Larger ranks are all zeros."""
    folder.mkdir(parents=True)
    dice = random.Random(seed)

    def numbers(count: int) -> list[float]:
        return [dice.gauss(0, 0.3) for _ in range(count)] if rank == RANK else [0.0] * count

    tensors = {}
    for layer in range(tiny_model.LAYERS):
        for module, (rows, columns) in SHAPES.items():
            prefix = f"base_model.model.model.layers.{layer}.{module}.lora_"
            tensors[prefix + "A.weight"] = ([rank, columns], numbers(rank * columns))
            tensors[prefix + "B.weight"] = ([rows, rank], numbers(rows * rank))
    write_safetensors(folder / "adapter_model.safetensors", tensors)
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": rank,
        "lora_alpha": ALPHA,
        "target_modules": [module.split(".")[1] for module in SHAPES],
    }
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    if use:
        (folder / "tome.json").write_text(json.dumps({"schema_version": 1, "base_model": "tiny"} | use), encoding="utf-8")
    return str(folder)
