#!/usr/bin/env python3
"""What `tome plan` says against the measured peaks of `tome ask`, and the promise of --memory.

TOME_TEST_ALL=1: also both real models (./run setup fetches them) at 8K tokens of a novel of TOME_DATA; minutes each.
"""

import json
import os
import random
import re
import unittest
from pathlib import Path

import tiny_adapter
import tiny_model
from program import ProgramTest

DATA_HOME = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
MODELS = DATA_HOME / "tome" / "models"
NOVEL = Path(os.environ.get("TOME_DATA", "")) / "books" / "the-moonstone.txt"
ALL = os.environ.get("TOME_TEST_ALL") == "1"
MIB = 1 << 20


class Plan(ProgramTest):
    def ask(self, model: str, file: str, *more: str) -> dict:
        return self.good_json("ask", file, "-m", model, "--question", "Who was it?", "--max-tokens", "8", "-q", *more)

    def plan(self, model: str, tokens: int, *more: str) -> dict:
        return self.good_json("plan", "-m", model, "--context", str(tokens), *more)

    def least_memory(self, model: str, file: str, *more: str) -> str:
        """Of what --memory refuses: the nearest setting that it says would fit."""
        line = self.wrong(
            "ask", file, "-m", model, "--question", "Who was it?", *more, "--memory", "1MiB", says="what would fit: --memory"
        )
        self.assertFalse(self.store.exists() and list(self.store.iterdir()), "refused after work was begun")
        return re.search(r"fit: --memory (\d+MiB)", line).group(1)

    def check(self, model: str, file: str, *more: str):
        least = self.least_memory(model, file, *more)
        for memory in ([], ["--memory", least]):
            for question in ("first", "second"):
                measured = self.ask(model, file, *more, *memory)
                planned = self.plan(model, measured["tokens"]["document"], *memory)
                with self.subTest(model=model, memory=memory, question=question):
                    if question == "first":
                        self.assert_near(planned, measured, "peak_private_bytes")
                    else:
                        self.assertGreater(measured["reading"]["reused_tokens"], 0)
                        self.assertLess(measured["peak_private_bytes"], planned["peak_private_bytes"] + 16 * MIB)
                    if memory:
                        self.assertLessEqual(measured["peak_rss_bytes"], int(least.removesuffix("MiB")) * MIB)
                        if question == "first":
                            self.assert_near(planned, measured, "peak_rss_bytes")
            self.good("readings", "rm", "--all")
        self.assertLessEqual(
            self.ask(model, file, *more, "--no-keep", "--memory", least)["peak_rss_bytes"], int(least.removesuffix("MiB")) * MIB
        )

    def assert_near(self, planned: dict, measured: dict, key: str):
        self.assertLessEqual(abs(planned[key] - measured[key]), max(16 * MIB, 0.05 * measured[key]), (key, planned, measured))

    def test_tiny_model(self):
        # Its sliding layers cost linear time, and of the last layer only keys and values are made.
        tiny_model.write_model(self.models / "gemma", gemma=True, window=1 << 18)
        text = "".join(random.Random(1).choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ ", k=200_000))
        self.check("gemma", self.file("long.txt", text))

    def test_an_adapter_counts(self):
        tiny_model.write_model(self.models / "gemma", gemma=True, window=1 << 18)
        text = self.file("long.txt", "".join(random.Random(1).choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ ", k=20_000)))
        adapter = tiny_adapter.write_adapter(self.home / "large", rank=4096)
        size = (Path(adapter) / "adapter_model.safetensors").stat().st_size
        least = self.least_memory("gemma", text, "--adapter", adapter)
        without = self.least_memory("gemma", text)
        more = MIB * (int(least.removesuffix("MiB")) - int(without.removesuffix("MiB")))
        self.assertGreater(more, size - MIB)
        self.assertLess(more, 3 * size)
        measured = self.ask("gemma", text, "--adapter", adapter, "--memory", least)
        self.assertLessEqual(measured["peak_rss_bytes"], int(least.removesuffix("MiB")) * MIB)

    def test_pairs_larger_than_the_adapter_says(self):
        tiny_model.write_model(self.models / "gemma", gemma=True, window=1 << 18)
        text = self.file("long.txt", "".join(random.Random(1).choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ ", k=20_000)))
        adapter = tiny_adapter.write_adapter(self.home / "pattern", rank=4096)
        config = Path(adapter) / "adapter_config.json"
        patterns = {"rank_pattern": {".*": 4096}, "alpha_pattern": {".*": 4096}}
        config.write_text(json.dumps(json.loads(config.read_text()) | {"r": 2} | patterns))
        least = self.least_memory("gemma", text, "--adapter", adapter)
        planned = self.plan("gemma", 20_000, "--adapter", adapter)
        self.assert_near(planned, self.ask("gemma", text, "--adapter", adapter), "peak_private_bytes")
        self.good("readings", "rm", "--all")
        measured = self.ask("gemma", text, "--adapter", adapter, "--memory", least)
        self.assertLessEqual(measured["peak_rss_bytes"], int(least.removesuffix("MiB")) * MIB)

    @unittest.skipUnless(ALL and NOVEL.is_file(), "needs TOME_TEST_ALL=1 and TOME_DATA")
    def test_real_models(self):
        text = NOVEL.read_text(encoding="utf-8")[:28_000]  # fits the window of both
        for model in ("gemma", "smollm2"):
            weights = MODELS / f"{model}.gguf"
            if not weights.exists():
                self.skipTest(f"{weights} is not there: ./run setup fetches it")
            (self.models / weights.name).symlink_to(weights)
            self.check(model, self.file("novel.txt", text), "--cut", "end")


if __name__ == "__main__":
    unittest.main()
