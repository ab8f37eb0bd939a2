#!/usr/bin/env python3
"""Model files from strangers, through the program: exit 2, one line that names the file, nothing written."""

import json
import struct
import sys
import unittest
from pathlib import Path

from program import ROOT, ProgramTest

sys.path.insert(0, str(ROOT / "fuzz"))
import make_corpus  # noqa: E402

U64 = 2**64 - 1
WHOLE = ("no-model", "other-shape", "missing")  # files in order that are no model: `info` shows what they hold


def gguf_files() -> dict[str, bytes]:
    text, key, tensor = make_corpus.text, make_corpus.key, make_corpus.tensor
    good = make_corpus.gguf(
        [key(b"general.architecture", 8, text(b"llama"))], [tensor(b"a", [64], 0, 0), tensor(b"b", [1], 0, 256)], data=bytes(288)
    )
    files = {f"cut-{size}": good[:size] for size in (0, 3, 4, 23, 40, len(good) - 33)}
    files |= {name: content for name, content in make_corpus.gguf_inputs() if name in ("overlap", "overflow", "counts", "deep")}
    files |= {
        "no-model": good,
        "long-key": make_corpus.gguf([struct.pack("<Q", U64) + b"key" + struct.pack("<I", 4)]),
        "long-array": make_corpus.gguf([make_corpus.array(b"k", 8, U64, text(b"x"))]),
        "far-tensor": make_corpus.gguf((), [tensor(b"a", [64], 0, U64 - 31)], data=bytes(256)),
        "no-type": make_corpus.gguf((), [tensor(b"a", [64], 4711, 0)], data=bytes(256)),
        "version-9": make_corpus.gguf(version=9),
        "other-magic": b"GGML" + good[4:],
    }
    return files


def changed_header(weights: bytes, change) -> bytes:
    size = struct.unpack("<Q", weights[:8])[0]
    header = json.loads(weights[8 : 8 + size])
    change(header)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + weights[8 + size :]


def safetensors_files(weights: bytes) -> dict[str, bytes]:
    first, second = "model.embed_tokens.weight", "model.norm.weight"

    def offsets(name: str, begin: int, end: int):
        return lambda header: header[name].update(data_offsets=[begin, end])

    return {
        "empty": b"",
        "cut-header": weights[:100],
        "cut": weights[:-1],
        "longer": weights + b"x",
        "long-header": struct.pack("<Q", U64) + weights[8:],
        "no-json": weights[:8] + b"\xff" * 1000 + weights[1008:],
        "deep": struct.pack("<Q", 100_000) + b"[" * 100_000,
        "overlap": changed_header(weights, offsets(second, 0, 128)),
        "backwards": changed_header(weights, offsets(second, 128, 0)),
        "far": changed_header(weights, offsets(second, U64 - 127, U64)),
        "overflow": changed_header(weights, lambda header: header[first].update(shape=[2**33, 2**33])),
        "negative": changed_header(weights, lambda header: header[first].update(shape=[-1, 32])),
        "other-shape": changed_header(weights, lambda header: header[first].update(shape=[131, 64])),
        "no-such-type": changed_header(weights, lambda header: header[first].update(dtype="F33")),
        "missing": changed_header(weights, lambda header: header.update({"model.other": header.pop(second)})),
    }


class HostileModels(ProgramTest):
    def setUp(self):
        super().setUp()
        self.book = self.file("book.txt", "The butler did it. " * 20)

    def refused(self, model: Path, file: Path, name: str):
        before = sorted(self.home.rglob("*"))
        commands = [["ask", self.book, "--question", "Who did it?", "-m", str(model)]]
        if name not in WHOLE:
            commands.append(["info", str(model)])
        for command in commands:
            with self.subTest(file=name, command=command[0]):
                self.wrong(*command, says=(model if name in WHOLE else file).name)
                self.assertEqual(sorted(self.home.rglob("*")), before)

    def test_gguf(self):
        for name, content in gguf_files().items():
            model = Path(self.file(f"{name}.gguf", content))
            self.refused(model, model, name)

    def test_safetensors(self):
        weights = self.models / "tiny" / "model.safetensors"
        for name, content in safetensors_files(weights.read_bytes()).items():
            weights.write_bytes(content)
            self.refused(self.models / "tiny", weights, name)

    def test_config_and_tokenizer(self):
        for file in ("config.json", "tokenizer.json"):
            path = self.models / "tiny" / file
            good = path.read_bytes()
            for name, content in {"empty": b"", "cut": good[:-30], "list": b"[]", "deep": b"[" * 100_000}.items():
                path.write_bytes(content)
                with self.subTest(file=file, content=name):
                    self.wrong("ask", self.book, "--question", "Who did it?", says=file)
            path.write_bytes(good)


if __name__ == "__main__":
    unittest.main()
