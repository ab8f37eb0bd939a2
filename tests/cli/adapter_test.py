#!/usr/bin/env python3
"""--adapter, tome merge and tome convert, end to end, with a tiny model."""

import json
import struct
import unittest
from pathlib import Path

import tiny_adapter
import tiny_model
from program import ProgramTest


def gguf_header(path: Path) -> tuple[dict[str, object], dict[str, tuple[int, list[int]]]]:
    """Scalars and strings of a GGUF's metadata (arrays as their lengths), and type and shape of each tensor."""
    data, at = path.read_bytes(), 4

    def take(form: str):
        nonlocal at
        (value,) = struct.unpack_from("<" + form, data, at)
        at += struct.calcsize("<" + form)
        return value

    def text() -> str:
        nonlocal at
        size = take("Q")
        at += size
        return data[at - size : at].decode()

    scalars = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}

    def value(kind: int):
        if kind == 8:
            return text()
        if kind == 9:
            inner, count = take("I"), take("Q")
            for _ in range(count):
                value(inner)
            return count
        return take(scalars[kind])

    assert data[:4] == b"GGUF" and take("I") == 3
    tensors, keys = take("Q"), take("Q")
    metadata = {}
    for _ in range(keys):
        key = text()
        metadata[key] = value(take("I"))
    shapes = {}
    for _ in range(tensors):
        name = text()
        shape = [take("Q") for _ in range(take("I"))]
        kind = take("I")
        take("Q")
        shapes[name] = (kind, shape[::-1])
    return metadata, shapes


class AdapterTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.adapter = tiny_adapter.write_adapter(self.home / "adapter")
        self.text = self.file("text.txt", "The butler did it in the hall, the other in the inner room. " * 8)

    def loss(self, *arguments: str) -> float:
        return self.good_json("perplexity", self.text, "--dtype", "f32", "--exact", *arguments)["loss"]

    def near(self, got: float, expected: float, relative: float):
        self.assertLess(abs(got - expected), relative * abs(expected), f"{got} and {expected}")

    def ids(self, model: str) -> str:
        return self.good("tokenize", self.text, "--ids", "-m", model)


class Use(AdapterTest):
    def test_it_changes_answers_and_has_readings_of_its_own(self):
        self.assertNotEqual(self.loss(), self.loss("--adapter", self.adapter))
        ask = ["ask", self.text, "Who did it?", "--max-tokens", "3", "-q"]
        plain, adapted = self.good_json(*ask), self.good_json(*ask, "--adapter", self.adapter)
        self.assertEqual(adapted["reading"]["reused_tokens"], 0)
        again = self.good_json(*ask, "--adapter", self.adapter)
        self.assertEqual(again["reading"]["reused_tokens"], again["tokens"]["document"])
        self.assertNotEqual(plain["reading"]["path"], adapted["reading"]["path"])

    def test_how_it_was_trained_is_how_it_is_used(self):
        trained = tiny_adapter.write_adapter(self.home / "trained", rope_scaling="linear:4", layout="qa")
        by_flag = self.loss("--adapter", self.adapter, "--rope-scaling", "linear:4")
        self.assertEqual(self.loss("--adapter", trained), by_flag)
        self.assertEqual(self.loss("--adapter", trained, "--rope-scaling", "linear:4"), by_flag)
        self.assertNotEqual(self.loss("--adapter", self.adapter), by_flag)
        ask = ["ask", self.text, "Who did it?", "--max-tokens", "1", "-q"]
        asked = self.good_json(*ask, "--adapter", trained)
        laid = self.good_json(*ask, "--adapter", self.adapter, "--layout", "qa")
        self.assertEqual(asked["tokens"]["document"], laid["tokens"]["document"])
        self.assertEqual(asked["tokens"]["question"], laid["tokens"]["question"])

    def test_contradicting_flags(self):
        trained = tiny_adapter.write_adapter(self.home / "trained", rope_scaling="linear:4", layout="qa")
        ask = ["ask", self.text, "Who did it?", "--adapter", trained, "-q"]
        self.wrong(*ask, "--rope-scaling", "yarn:4", says="was trained with linear:4:4096")
        self.wrong(*ask, "--layout", "q-a", says="--layout q-a: the adapter")
        self.wrong(*ask, "--context", "100000", says="was trained for a window of 16384 tokens")

    def test_the_one_beside_the_model_answers(self):
        ask = ["ask", self.text, "Who did it?", "--max-tokens", "3"]
        plain = self.good_json(*ask)
        self.assertEqual(plain["adapter"], "")
        beside = tiny_adapter.write_adapter(self.models / "tiny.answers", layout="qa")
        adapted = self.good_json(*ask)
        self.assertEqual(adapted["adapter"], beside)
        self.assertNotEqual(adapted["reading"]["path"], plain["reading"]["path"])
        self.assertEqual(self.good_json(*ask, "--adapter", beside)["reading"]["path"], adapted["reading"]["path"])
        for flags in (["--adapter", "none"], ["--layout", "qa-form"], ["--rope-scaling", "linear:2"], ["--context", "4k"]):
            self.assertEqual(self.good_json(*ask, *flags)["adapter"], "", flags)
        self.assertEqual(self.good_json(*ask, "--adapter", "none")["reading"]["path"], plain["reading"]["path"])
        said = self.tome("ask", self.file("new.txt", "A cat sat on a mat."), "Who sat there?", "--max-tokens", "1").stderr
        self.assertIn("with tiny.answers, an adapter made for questions; --adapter none leaves it out", said)

    def test_another_base_is_said(self):
        other = tiny_adapter.write_adapter(self.home / "other", base_fingerprint="00000000000000ff")
        done = self.tome("perplexity", self.text, "--adapter", other)
        self.assertIn("another file of its base model", done.stderr)

    def test_bad_folders(self):
        self.wrong("perplexity", self.text, "--adapter", str(self.home / "none"), says="adapter_config.json")
        config = self.home / "adapter" / "adapter_config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | {"use_dora": True}))
        self.wrong("perplexity", self.text, "--adapter", self.adapter, says="use_dora")


class Merge(AdapterTest):
    def test_the_sum_reads_as_model_and_adapter(self):
        expected = self.loss("--adapter", self.adapter)
        for out, kind, bound in [("m.gguf", "F32", 1e-5), ("m", "F32", 1e-5), ("h.gguf", "F16", 1e-3), ("b", "BF16", 0.01),
                                 ("q.gguf", "Q8_0", 0.02), ("k.gguf", "Q4_K", 0.2), ("o.gguf", "Q4_1", 0.2)]:
            target = str(self.home / out)
            self.good("merge", "--adapter", self.adapter, "-o", target, "--type", kind, "-q")
            self.near(self.loss("-m", target), expected, bound)
            self.assertEqual(self.ids(target), self.ids("tiny"))

    def test_types_and_metadata_of_a_gguf(self):
        target = self.home / "m.gguf"
        trained = tiny_adapter.write_adapter(self.home / "trained", rope_scaling="linear:4")
        self.good("merge", "--adapter", trained, "-o", str(target), "--type", "Q4_K", "-q")
        metadata, tensors = gguf_header(target)
        self.assertEqual(tensors["blk.0.attn_q.weight"], (6, [64, 32]))  # Q5_0: 256 does not divide 32
        self.assertEqual(tensors["token_embd.weight"][0], 6)
        self.assertEqual(tensors["output.weight"][0], 8)  # Q8_0: four bits are too few for the output matrix
        self.assertEqual(tensors["blk.2.ffn_down.weight"][0], 1)  # F16: 32 does not divide 48
        self.assertEqual(tensors["output_norm.weight"][0], 0)
        self.assertEqual(metadata["llama.rope.scaling.type"], "linear")
        self.assertEqual(metadata["llama.rope.scaling.factor"], 4)
        self.assertEqual(metadata["llama.context_length"], 4 * tiny_model.WINDOW)
        self.assertEqual(metadata["tokenizer.ggml.eos_token_id"], 0)
        self.assertEqual(metadata["tokenizer.ggml.pre"], "gpt-2")
        self.near(self.loss("-m", str(target)), self.loss("--adapter", trained), 0.2)

    def test_a_folder_states_its_rope(self):
        trained = tiny_adapter.write_adapter(self.home / "trained", rope_scaling="yarn:4")
        self.good("merge", "--adapter", trained, "-o", str(self.home / "m"), "--type", "F32", "-q")
        config = json.loads((self.home / "m" / "config.json").read_text())
        self.assertEqual(config["rope_parameters"]["rope_type"], "yarn")
        self.assertEqual(config["max_position_embeddings"], 4 * tiny_model.WINDOW)
        self.near(self.loss("-m", str(self.home / "m")), self.loss("--adapter", trained), 1e-5)

    def test_errors(self):
        merge = ["merge", "--adapter", self.adapter, "-q", "-o"]
        self.wrong(*merge, str(self.home / "m"), "--type", "Q8_0", says="write a .gguf file")
        self.assertFalse((self.home / "m").exists())
        self.wrong(*merge, str(self.home / "m.gguf"), "--type", "Q3_K", says="--type")
        self.wrong(*merge, self.file("there.gguf", ""), says="--force")
        self.wrong(*merge, str(self.models / "tiny"), "--force", says="is the model itself")
        self.wrong(*merge, "/proc/none/m.gguf", says="cannot write")
        self.wrong(*merge, str(self.home / "d.gguf"), "--rope-scaling", "dynamic:2", says="GGUF cannot say")
        self.assertEqual(list(self.home.glob("*.part*")), [])
        self.wrong("merge", "-o", "x.gguf", says="--adapter")


class Convert(AdapterTest):
    def test_there_and_back(self):
        gguf, folder = str(self.home / "c.gguf"), str(self.home / "c")
        self.good("convert", "-o", gguf, "--type", "F32", "-q")
        self.good("convert", "-m", gguf, "-o", folder, "--type", "F32", "-q")
        for model in (gguf, folder):
            self.assertEqual(self.ids(model), self.ids("tiny"))
            self.near(self.loss("-m", model), self.loss(), 1e-6)
        before, after = ((where / "model.safetensors").read_bytes() for where in (self.models / "tiny", Path(folder)))
        self.assertEqual(len(before) - struct.unpack_from("<Q", before)[0], len(after) - struct.unpack_from("<Q", after)[0])
        # The adapter fits either order of rows.
        self.near(self.loss("-m", gguf, "--adapter", self.adapter), self.loss("--adapter", self.adapter), 1e-5)

    def test_an_adapter_becomes_gguf_lora(self):
        target = self.home / "lora.gguf"
        self.good("convert", "--adapter", self.adapter, "-o", str(target), "-q")
        metadata, tensors = gguf_header(target)
        self.assertEqual(metadata["general.type"], "adapter")
        self.assertEqual(metadata["adapter.type"], "lora")
        self.assertEqual(metadata["adapter.lora.alpha"], tiny_adapter.ALPHA)
        self.assertEqual(tensors["blk.1.attn_k.weight.lora_a"], (0, [2, 32]))
        self.assertEqual(tensors["blk.1.attn_k.weight.lora_b"], (0, [32, 2]))
        self.assertEqual(len(tensors), 2 * 3 * tiny_model.LAYERS)
        self.wrong("convert", "--adapter", self.adapter, "-o", str(self.home / "x"), says=".gguf")


if __name__ == "__main__":
    unittest.main()
