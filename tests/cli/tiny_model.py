"""A tiny random model folder (config.json, model.safetensors, tokenizer.json) made with the standard library alone."""

import json
import random
import struct
from pathlib import Path

WIDTH, HEADS, KV_HEADS, HEAD_WIDTH, FEED_FORWARD, LAYERS = 32, 4, 2, 16, 48, 3
WINDOW, SLIDING = 4096, 300
MERGES = ["Ġ t", "h e", "Ġt he", "i n", "e r"]


def byte_characters() -> list[str]:
    """GPT-2's printable stand-ins for the 256 bytes."""
    plain = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [byte for byte in range(256) if byte not in plain]
    table = {byte: chr(byte) for byte in plain} | {byte: chr(256 + i) for i, byte in enumerate(rest)}
    return [table[byte] for byte in range(256)]


def vocabulary() -> list[str]:
    return ["<|end|>", *byte_characters(), *("".join(merge.split()) for merge in MERGES)]


def write_tokenizer(folder: Path) -> None:
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": 0,
                "content": "<|end|>",
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": {piece: i for i, piece in enumerate(vocabulary())},
            "merges": MERGES,
        },
    }
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|end|>"}), encoding="utf-8")


def shapes(rows: int, gemma: bool) -> dict[str, list[int]]:
    result = {"model.embed_tokens.weight": [rows, WIDTH], "model.norm.weight": [WIDTH]}
    norms = ["input_layernorm", "post_attention_layernorm"]
    if not gemma:
        result["lm_head.weight"] = [rows, WIDTH]
    if gemma:
        norms += ["pre_feedforward_layernorm", "post_feedforward_layernorm"]
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        result |= {f"{prefix}{norm}.weight": [WIDTH] for norm in norms}
        if gemma:
            result |= {f"{prefix}self_attn.{norm}.weight": [HEAD_WIDTH] for norm in ("q_norm", "k_norm")}
        result[prefix + "self_attn.q_proj.weight"] = [HEADS * HEAD_WIDTH, WIDTH]
        result[prefix + "self_attn.k_proj.weight"] = [KV_HEADS * HEAD_WIDTH, WIDTH]
        result[prefix + "self_attn.v_proj.weight"] = [KV_HEADS * HEAD_WIDTH, WIDTH]
        result[prefix + "self_attn.o_proj.weight"] = [WIDTH, HEADS * HEAD_WIDTH]
        result[prefix + "mlp.gate_proj.weight"] = [FEED_FORWARD, WIDTH]
        result[prefix + "mlp.up_proj.weight"] = [FEED_FORWARD, WIDTH]
        result[prefix + "mlp.down_proj.weight"] = [WIDTH, FEED_FORWARD]
    return result


def write_weights(folder: Path, rows: int, gemma: bool) -> None:
    numbers = random.Random(3)
    spread = 0.15 if gemma else 0.4  # answers then depend on the whole text
    header: dict[str, object] = {}
    data = bytearray()
    for name, shape in shapes(rows, gemma).items():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        values = [1.0] * count if len(shape) == 1 else [numbers.gauss(0, spread) for _ in range(count)]
        begin = len(data)
        data += struct.pack(f"<{count}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(data))


def write_model(folder: Path, *, gemma: bool = False, window: int = WINDOW) -> None:
    """A Llama, or a Gemma 3 whose first two layers look back SLIDING tokens."""
    folder.mkdir(parents=True)
    rows = len(vocabulary())
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": WIDTH,
        "intermediate_size": FEED_FORWARD,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS,
        "head_dim": HEAD_WIDTH,
        "vocab_size": rows,
        "max_position_embeddings": window,
        "rms_norm_eps": 1e-5,
        "tie_word_embeddings": gemma,
        "eos_token_id": 0,
    }
    if gemma:
        config |= {
            "architectures": ["Gemma3ForCausalLM"],
            "model_type": "gemma3_text",
            "hidden_activation": "gelu_pytorch_tanh",
            "query_pre_attn_scalar": HEAD_WIDTH,
            "sliding_window": SLIDING,
            "layer_types": ["sliding_attention"] * (LAYERS - 1) + ["full_attention"],
            "rope_parameters": {
                "full_attention": {"rope_theta": 1000000.0, "rope_type": "default"},
                "sliding_attention": {"rope_theta": 10000.0, "rope_type": "default"},
            },
        }
    else:
        config |= {"rope_theta": 10000.0, "hidden_act": "silu"}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    write_weights(folder, rows, gemma)
    write_tokenizer(folder)
