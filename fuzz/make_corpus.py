#!/usr/bin/env python3
"""Writes the first inputs of gguf, safetensors, reading, training_data, data_check and api_response to corpus/: small good
files, and bad ones."""

import json
import math
import pathlib
import struct

FOLDER = pathlib.Path(__file__).resolve().parent / "corpus"
TYPES = {0: (1, 4), 1: (1, 2), 30: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 8: (32, 34), 12: (256, 144), 14: (256, 210)}


def text(value):
    return struct.pack("<Q", len(value)) + value


def gguf(keys=(), tensors=(), version=3, data=b"", counts=None):
    n_tensors, n_keys = counts or (len(tensors), len(keys))
    header = b"GGUF" + struct.pack("<IQQ", version, n_tensors, n_keys) + b"".join(keys) + b"".join(tensors)
    return header + bytes(-len(header) % 32) + data if tensors else header


def key(name, kind, value):
    return text(name) + struct.pack("<I", kind) + value


def array(name, kind, count, values):
    return key(name, 9, struct.pack("<IQ", kind, count) + values)


def tensor(name, shape, kind, offset):
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def gguf_inputs():
    yield "empty", gguf()
    scalars = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<B", 10: "<Q", 11: "<q", 12: "<d"}
    keys = [key(b"k%d" % kind, kind, struct.pack(form, 1)) for kind, form in scalars.items()]
    keys += [array(b"a%d" % kind, kind, 2, struct.pack(form, 1) * 2) for kind, form in scalars.items()]
    yield "metadata", gguf([*keys, key(b"s", 8, text(b"text")), array(b"as", 8, 2, text(b"") + text(b"x"))])
    for kind, (values, size) in TYPES.items():
        yield f"type_{kind}", gguf((), [tensor(b"t", [values, 2], kind, 0)], data=bytes(range(size % 7, size % 7 + 2)) * size)
    yield "aligned", gguf([key(b"general.alignment", 4, struct.pack("<I", 8))],
                          [tensor(b"a", [1], 0, 0), tensor(b"b", [1], 0, 8)], 2, bytes(64))
    yield "overlap", gguf((), [tensor(b"a", [9], 0, 0), tensor(b"b", [1], 0, 32)], data=bytes(64))
    yield "overflow", gguf((), [tensor(b"a", [2**32, 2**32], 0, 0)], data=bytes(64))
    yield "counts", gguf(counts=(2**64 - 1, 2**64 - 1))
    yield "deep", gguf([array(b"k", 9, 1, struct.pack("<IQ", 9, 1) * 50)])


def safetensors(header, data=b""):
    encoded = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(encoded)) + encoded + data


def safetensors_inputs():
    yield "empty", safetensors({})
    kinds = {"F32": 4, "F16": 2, "BF16": 2, "F64": 8, "I8": 1, "U8": 1, "I16": 2, "I32": 4, "I64": 8, "BOOL": 1}
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for kind, size in kinds.items():
        header[kind] = {"dtype": kind, "shape": [2, 1], "data_offsets": [at, at + 2 * size]}
        at += 2 * size
    yield "types", safetensors(header, bytes(at))
    yield "no_values", safetensors({"a": {"dtype": "F32", "shape": [0, 5], "data_offsets": [0, 0]}})
    yield "scalar", safetensors({"a": {"dtype": "U8", "shape": [], "data_offsets": [0, 1]}}, b"x")
    yield "hole", safetensors({"a": {"dtype": "U8", "shape": [1], "data_offsets": [1, 2]}}, b"xy")
    yield "overflow", safetensors({"a": {"dtype": "U8", "shape": [2**32, 2**32], "data_offsets": [0, 1]}}, b"x")
    yield "deep", safetensors(b'{"a":' * 50)
    yield "twice", safetensors(b'{"a":{},"a":{}}')


# The model of reading_fuzz.cc: bytes of a block of K and V, and the XXH3 of as many zeros.
BLOCKS = {"bf16": (16384, 0xB7CE04B81707A4D0), "q8": (8704, 0xF76D24429326ACC1), "q4": (5120, 0x14C551510D4EF602)}


def reading(kv="q4", tokens=300, first_block=0, parent="", stored=None, says=None):
    """One whose keys and values are zeros; `stored`: blocks of the sliding layer, if not all."""
    size, checksum = BLOCKS[kv]
    blocks = (tokens + 255) // 256 - first_block
    layers = [blocks if stored is None else stored, blocks]
    metadata = {"version": "1", "settings": "0f", "text": "0e", "parent": parent, "kv": kv, "first_block": str(first_block),
                "document": "d", "model": "m", "tokens": str(tokens)} | (says or {})
    entries = {"tokens": ("I32", [tokens], 4), "offsets": ("U32", [tokens + 1], 4), "checksums": ("U64", [sum(layers)], 8)}
    entries |= {f"layers.{i}": ("U32", [count, size // 4], 4) for i, count in enumerate(layers)}
    header, at = {"__metadata__": metadata}, 0
    for name, (kind, shape, each) in entries.items():
        end = at + each * math.prod(shape)
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [at, end]}
        at = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    data = bytes(4 * (2 * tokens + 1)) + struct.pack("<Q", checksum) * sum(layers)
    return safetensors(text, data + bytes(size * sum(layers)))


def reading_inputs():
    def pair(root=b"", leaf=b""):
        return struct.pack("<I", len(root)) + root + leaf

    for kv in BLOCKS:
        yield kv, pair(reading(kv, 100))
    yield "chain", pair(reading(), reading(tokens=600, first_block=1, parent="root"))
    yield "sliding", pair(reading(tokens=1100, stored=2))
    yield "circle", pair(reading(parent="leaf"), reading(parent="root"))
    yield "itself", pair(reading(parent="root"))
    yield "orphan", pair(b"", reading(parent="gone", first_block=1))
    yield "longer", pair(reading(tokens=100), reading(tokens=600, first_block=1, parent="root"))
    yield "version", pair(reading(says={"version": "2"}))
    yield "count", pair(reading(tokens=100, says={"first_block": "18446744073709551615"}))


def lines(window, *rows):
    """The window less 2, halved, then JSON lines."""
    return bytes([window]) + b"\n".join(r if isinstance(r, bytes) else json.dumps(r).encode() for r in rows) + b"\n"


def training_data_inputs():
    one = {"document": "It was the ferryman.", "question": "Who?", "answer": "He"}
    several = {"document": "A story " * 9, "questions": [{"question": f"Q{i}", "answer": f"A{i}"} for i in range(5)]}
    chat = {"messages": [{"role": "system", "content": "S"}] + [
        {"role": role, "content": role * 3} for role in ("user", "assistant", "user", "assistant")]}
    share = {"conversations": [{"from": "human", "value": "Hello " * 30}, {"from": "gpt", "value": "Hi"}]}
    alpaca = {"instruction": "Add", "input": "1 2", "output": "3", "text": "all"}
    text = {"text": "once upon a time " * 5}
    yield "questions", lines(100, one, several)
    yield "cut", lines(32, one, several)
    yield "chats", lines(120, chat, share, alpaca, {"instruction": "Say", "output": "x"})
    yield "short_chats", lines(55, chat, share)
    yield "text", lines(7, text, {"text": "\ufeffone\r\ntwo"})
    yield "shapes", lines(60, {"text": 1}, {"prompt": "x"}, chat | share, [1], {"document": "", "question": "a", "answer": "b"})
    yield "turns", lines(60, {"messages": [{"role": "assistant", "content": "x"}]}, {"messages": []})
    yield "bytes", lines(60, b"\xef\xbb\xbf", b"\xff", b"{}\0", b'{"text":"\\ud800"}', b"[" * 40, b'{"text":"a\\u0000"}')
    yield "long", lines(60, {"text": "x" * 5000}, text)
    yield "array", lines(60, [text])


def api_response_inputs():
    """The kind of service, then what it sends."""
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
    parts = [{"type": "text", "text": "The "}, {"type": "image_url"}, {"type": "text", "text": "ferryman"}]
    for name, content in (("chat", " The ferryman.\n"), ("parts", parts), ("null", None), ("number", 5)):
        message = {"role": "assistant", "content": content}
        yield name, b"\0" + json.dumps({"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}).encode()
    yield "completion", b"\1" + json.dumps({"choices": [{"text": "x", "finish_reason": "length"}], "usage": usage}).encode()
    counts = {"input_tokens": 1, "cache_read_input_tokens": 2**63, "output_tokens": -1}
    blocks = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "42"}]
    yield "messages", b"\2" + json.dumps({"content": blocks, "stop_reason": "end_turn", "usage": counts}).encode()
    yield "error", b"\0" + json.dumps({"error": {"message": "too\nlong " * 50, "code": "context_length_exceeded"}}).encode()
    yield "error_text", b"\2" + json.dumps({"error": "\u00e4" * 200, "choices": []}).encode()
    for count in range(1, 5):
        data = [{"index": i, "embedding": [1, -0.5, 1e30 * i]} for i in reversed(range(count))]
        yield f"embeddings_{count}", bytes([3 * (count - 1)]) + json.dumps({"data": data}).encode()
    yield "index", b"\3" + json.dumps({"data": [{"index": 2**64 - 1, "embedding": [1]}] * 2}).encode()
    yield "seconds", b"\x001.5"
    yield "date", b"\0Sun, 06 Nov 1994 08:49:37 GMT"
    yield "far_date", b"\0Sun, 06 Nov 7221 08:49:37 GMT"
    yield "html", b"\0<html>502 Bad Gateway</html>"
    yield "deep", b"\0" + b'{"error":' * 100
    yield "bytes", b'\0{"error":"\xff\xfe"}'


def data_check_inputs():
    for name, content in training_data_inputs():
        yield name, content[1:]
    row = {"document": "one two three four five six " * 9, "question": "Which of them is it?", "answer": "two three", "licence": "MIT"}
    yield "twice", lines(0, row, row, row | {"answer": "and,"}, row | {"document": row["document"] + "!"})[1:]
    yield "csv", b'[{"a": "]"}, [1, "\\""], 3]\n'


if __name__ == "__main__":
    for target, inputs in (
        ("gguf", gguf_inputs()),
        ("safetensors", safetensors_inputs()),
        ("reading", reading_inputs()),
        ("training_data", training_data_inputs()),
        ("api_response", api_response_inputs()),
        ("data_check", data_check_inputs()),
    ):
        (FOLDER / target).mkdir(parents=True, exist_ok=True)
        for name, content in inputs:
            (FOLDER / target / name).write_bytes(content)
