#!/usr/bin/env python3
"""What the package gguf makes of every tensor type, and files by the packages gguf and safetensors: goldens of tests/formats.

    python -m venv venv && venv/bin/pip install gguf==0.19.0 numpy==2.4.6 safetensors==0.8.0
    venv/bin/python make_formats.py [MODELS]

Writes formats/. MODELS is the folder of gemma.gguf and smollm2.gguf (./run setup gets them); without it
formats/model_rows.json stays as it is.
"""

import json
import pathlib
import sys

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import GGUFValueType as Value
from safetensors.numpy import save_file

FOLDER = pathlib.Path(__file__).resolve().parent / "formats"
TYPES = [Type.F32, Type.F16, Type.BF16, Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q8_0, Type.Q4_K, Type.Q6_K]
# Where a block keeps its binary16 scales.
HALVES = {Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q8_0: [0], Type.Q4_K: [0, 2], Type.Q6_K: [208]}
PACKED_BY_GGUF = [Type.F16, Type.BF16, Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q8_0]


def random_blocks(kind, rng):
    """Blocks of random bytes whose scales are finite; plain floats of every exponent, NaN and infinity included."""
    if kind == Type.F32:
        return np.linspace(-3, 3, 64, dtype=np.float32).view(np.uint8)
    if kind in (Type.F16, Type.BF16):
        bits = np.concatenate([np.arange(0, 65536, 37), [0, 1, 0x3FF, 0x400, 0x7BFF, 0x7C00, 0x7C01, 0x8000, 0xFC00]])
        return bits.astype(np.uint16).view(np.uint8)
    values, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = rng.integers(0, 256, (2048 // values, size), dtype=np.uint8)
    for at in HALVES[kind]:
        scales = (rng.standard_normal(len(blocks)) * 0.05).astype(np.float16)
        scales[:4] = [0.0, -0.0, 6e-8, 65504.0]  # zeros, the smallest subnormal, the largest number
        blocks[:, at:at + 2] = scales.view(np.uint8).reshape(-1, 2)
    return blocks


def numbers_to_pack(rng):
    """Blocks of 32: weights, tiny and large ones, constants, zeros, ties, numbers of one sign."""
    blocks = rng.standard_normal((48, 32))
    blocks[8:16] *= 1e-3
    blocks[16:20] *= 1e4
    blocks[20] = 0
    blocks[21] = 0.75
    blocks[22] = -0.75
    blocks[23] = np.arange(32) - 15.5
    blocks[24:32] = abs(blocks[24:32]) + 1
    blocks[32:40] = -abs(blocks[32:40]) - 1
    blocks[40, 1:] = 0
    blocks[41] = np.arange(32) % 2 * 2.0 - 1
    blocks[42] = 6e-8 * np.arange(32)
    return blocks.astype(np.float32)


def write_packing():
    rng = np.random.default_rng(20240805)
    tensors = {}
    for kind in TYPES:
        blocks = random_blocks(kind, rng)
        with np.errstate(all="ignore"):
            values = gguf.quants.dequantize(blocks.reshape(-1, blocks.shape[-1]), kind)
        tensors[f"{kind.name}/blocks"] = blocks.reshape(-1)
        tensors[f"{kind.name}/values"] = values.reshape(-1).astype(np.float32)
    numbers = numbers_to_pack(rng)
    tensors["numbers"] = numbers.reshape(-1)
    for kind in PACKED_BY_GGUF:
        tensors[f"{kind.name}/packed"] = gguf.quants.quantize(numbers, kind).view(np.uint8).reshape(-1)
    save_file(tensors, FOLDER / "packing.safetensors", {"made by": "make_formats.py"})


def write_gguf():
    """A file with metadata of every type; gguf_writer_test.cc writes the same one and compares every byte."""
    writer = gguf.GGUFWriter(FOLDER / "every_type.gguf", "llama")
    scalars = [
        (Value.UINT8, 200), (Value.INT8, -100), (Value.UINT16, 60000), (Value.INT16, -30000), (Value.UINT32, 4000000000),
        (Value.INT32, -2000000000), (Value.UINT64, 2**64 - 1), (Value.INT64, -(2**63)), (Value.FLOAT32, 0.5),
        (Value.FLOAT64, 0.1), (Value.BOOL, True), (Value.STRING, "naïve")]
    for kind, value in scalars:
        writer.add_key_value(f"one.{kind.name.lower()}", value, kind)
    arrays = [
        (Value.UINT8, [1, 200]), (Value.INT8, [-1, 100]), (Value.UINT16, [60000]), (Value.INT16, [-30000, 3]),
        (Value.UINT32, [4000000000]), (Value.INT32, [-7, 8, 9]), (Value.UINT64, [2**63 - 1]), (Value.INT64, [-5]),
        (Value.FLOAT32, [0.5, -1.25]), (Value.FLOAT64, [0.25]), (Value.BOOL, [True, False, True]),
        (Value.STRING, ["", "two", "\u2581three"])]
    for kind, value in arrays:
        writer.add_key_value(f"many.{kind.name.lower()}", value, Value.ARRAY, kind)
    numbers = np.arange(3 * 256, dtype=np.float32) / 256 - 1
    writer.add_tensor("vector", numbers[:5])
    writer.add_tensor("matrix", gguf.quants.quantize(numbers[:192].reshape(3, 64), Type.Q8_0), raw_dtype=Type.Q8_0)
    writer.add_tensor("cube", numbers[:24].astype(np.float16).reshape(2, 3, 4))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def write_model_rows(models):
    """FNV-1a hashes of a few unpacked rows of each type in the real models: first, middle and last row of two tensors."""
    rows = {}
    for name in ("gemma.gguf", "smollm2.gguf"):
        by_type = {}
        for tensor in gguf.GGUFReader(models / name).tensors:
            by_type.setdefault(tensor.tensor_type, []).append(tensor)
        rows[name] = []
        for kind, tensors in by_type.items():
            for tensor in {tensors[0].name: tensors[0], tensors[-1].name: tensors[-1]}.values():
                data = tensor.data.reshape(-1, tensor.data.shape[-1])
                for row in sorted({0, len(data) // 2, len(data) - 1}):
                    values = gguf.quants.dequantize(data[row:row + 1], kind).astype("<f4")
                    rows[name].append({"tensor": tensor.name, "type": kind.name, "row": row, "columns": values.size,
                                       "fnv1a": fnv1a(values.tobytes())})
    (FOLDER / "model_rows.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    write_packing()
    write_gguf()
    if len(sys.argv) > 1:
        write_model_rows(pathlib.Path(sys.argv[1]))
