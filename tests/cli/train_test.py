#!/usr/bin/env python3
"""tome train from outside: what a run leaves, and that one which was ended at any moment goes on to the same adapter."""

import json
import random
import signal
import subprocess
import time
import unittest

from program import PROGRAM, ProgramTest

LOG_KEYS = ["step", "loss", "learning_rate", "target_tokens", "tokens", "tokens_per_second", "fraction_of_peak",
            "peak_rss_bytes", "peak_private_bytes", "spill_bytes"]  # fmt: skip
STEPS = 12


def rows(count: int) -> str:
    dice = random.Random(3)
    lines = []
    for i in range(count):
        name = dice.choice(["Ann", "Bob", "Cid"])
        text = " ".join(dice.choice(["the", "ferry", "in", "her", "boat"]) for _ in range(30))
        lines.append(json.dumps({"document": f"{text} {name} {i}", "question": "Who?", "answer": name}))
    return "\n".join(lines) + "\n"


class Train(ProgramTest):
    def setUp(self):
        super().setUp()
        self.data = self.file("qa.jsonl", rows(24))

    def arguments(self, out: str, *more: str) -> list[str]:
        return ["train", "--data", self.data, "--context", "512", "--steps", str(STEPS), "--rank", "4", "--hold-out", "3",
                "--validate-every", "5", "--learning-rate", "2e-2", "--out", str(self.home / out), *more]  # fmt: skip

    def lines(self, out: str, name: str) -> list[dict]:
        return [json.loads(line) for line in (self.home / out / name).read_text().splitlines()]

    def adapter(self, out: str) -> tuple[bytes, bytes]:
        folder = self.home / out
        return (folder / "adapter_model.safetensors").read_bytes(), (folder / "last/adapter_model.safetensors").read_bytes()

    def end(self, out: str, how: signal.Signals, after_steps: int, *more: str) -> None:
        """Starts a run and ends it when its log has so many lines."""
        child = subprocess.Popen([PROGRAM, *self.arguments(out, *more)], env=self.environment, stderr=subprocess.DEVNULL)
        log, limit = self.home / out / "log.jsonl", time.monotonic() + 120
        while not log.exists() or len(log.read_text().splitlines()) < after_steps:
            self.assertIsNone(child.poll(), "it ended by itself")
            self.assertLess(time.monotonic(), limit)
            time.sleep(0.002)
        child.send_signal(how)
        child.wait(timeout=60)

    def test_what_a_run_leaves(self):
        self.good(*self.arguments("a"))
        log = self.lines("a", "log.jsonl")
        self.assertEqual([line["step"] for line in log], list(range(1, STEPS + 1)))
        for line in log:
            self.assertEqual(list(line), LOG_KEYS)
        self.assertLess(log[-1]["loss"], 0.8 * log[0]["loss"])
        self.assertEqual([line["step"] for line in self.lines("a", "validation.jsonl")], [5, 10, STEPS])
        self.assertIn("</html>", (self.home / "a/report.html").read_text())
        config = json.loads((self.home / "a/adapter_config.json").read_text())
        self.assertEqual((config["r"], config["lora_alpha"]), (4, 32))
        text = self.file("text.txt", "the ferry in her boat " * 20)
        own = self.good("perplexity", text, "--json")
        self.assertNotEqual(own, self.good("perplexity", text, "--json", "--adapter", str(self.home / "a")))
        self.good(*self.arguments("a"))  # complete: nothing more to do
        self.assertEqual(len(self.lines("a", "log.jsonl")), STEPS)

    def test_an_ended_run_gives_the_same_adapter(self):
        self.good(*self.arguments("whole"))
        self.end("stopped", signal.SIGTERM, 4)
        self.assertLess(len(self.lines("stopped", "log.jsonl")), STEPS)
        self.assertIn("going on after step", self.tome(*self.arguments("stopped")).stderr)
        self.end("killed", signal.SIGKILL, 6)
        self.good(*self.arguments("killed"))
        self.end("both", signal.SIGTERM, 3)
        self.end("both", signal.SIGKILL, 7)
        self.good(*self.arguments("both"))
        for out in ("stopped", "killed", "both"):
            self.assertEqual(self.adapter(out), self.adapter("whole"), out)
            self.assertEqual([line["loss"] for line in self.lines(out, "log.jsonl")],
                             [line["loss"] for line in self.lines("whole", "log.jsonl")])  # fmt: skip

    def test_spilling_and_pages_change_no_bit(self):
        self.good(*self.arguments("memory"))
        self.good(*self.arguments("spill", "--activations", "0"))
        self.assertGreater(self.lines("spill", "log.jsonl")[0]["spill_bytes"], 0)
        self.assertEqual(self.adapter("spill"), self.adapter("memory"))

    def test_another_run_in_the_same_folder_is_refused(self):
        self.good(*self.arguments("a"))
        before = self.adapter("a")
        self.wrong(*self.arguments("a"), "-q", "--alpha", "8", says="alpha")
        self.assertEqual(self.adapter("a"), before)

    def test_bad_rows_are_named_and_nothing_is_trained(self):
        self.data = self.file("bad.jsonl", rows(4) + '{"document": "x"}\n' + rows(2))
        self.wrong(*self.arguments("a"), says="bad.jsonl:5")
        self.assertFalse((self.home / "a" / "log.jsonl").exists())
        self.assertIn("1 malformed", self.tome(*self.arguments("a"), "--skip-bad").stderr)

    def test_flags(self):
        self.wrong("train", "--data", self.data, "--out", str(self.home / "x"), "--pose", "8k", says="--context")
        self.wrong(*self.arguments("a"), "--schedule", "up", says="--schedule")


if __name__ == "__main__":
    unittest.main()
