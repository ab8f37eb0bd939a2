#!/usr/bin/env python3
"""tome train's plan and --memory against what it takes, and long steps that are ended within."""

import json
import random
import re
import signal
import subprocess
import time
import unittest

import tiny_model
from program import PROGRAM
from train_runs import TrainTest, rows

MIB = 1 << 20


class Memory(TrainTest):
    def setUp(self):
        super().setUp()
        tiny_model.write_model(self.models / "long", gemma=True, window=1 << 17)
        text = "".join(random.Random(1).choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ ", k=30_000))
        self.data = self.file("long.jsonl", json.dumps({"document": text, "question": "Who?", "answer": "Ann"}) + "\n")

    def long_run(self, out: str, *more: str) -> list[str]:
        samples = [] if "--samples" in more else ["--samples", "0"]
        return ["train", "-m", "long", "--data", self.data, "--context", "32k", "--steps", "2", *samples,
                "--out", str(self.home / out), *more]  # fmt: skip

    def planned(self, *more: str) -> float:
        shown = self.good(*self.long_run("plan", "--dry-run", "-q", *more))
        self.assertFalse((self.home / "plan").exists(), "a dry run wrote something")
        return MIB * float(re.search(r"peak private memory +([\d.]+) MiB", shown).group(1))

    def measured(self, out: str, *more: str) -> dict:
        self.good(*self.long_run(out, "-q", *more))
        return self.lines(out, "log.jsonl")[-1]

    def test_plan_and_promise(self):
        refused = self.wrong(*self.long_run("a", "-q", "--memory", "1MiB"), says="what would fit: --memory")
        self.assertFalse((self.home / "a" / "checkpoint").exists(), "refused after work was begun")
        least = re.search(r"fit: --memory (\d+)MiB", refused).group(1)
        middle = str(int(least) + 8)
        for number, more in enumerate(([], ["--keep", "input"], ["--keep", "attention"], ["--memory", f"{least}MiB"],
                                       ["--memory", f"{middle}MiB"])):  # fmt: skip
            with self.subTest(flags=more):
                planned, line = self.planned(*more), self.measured(f"run{number}", *more)
                self.assertLessEqual(abs(planned - line["peak_private_bytes"]), max(16 * MIB, 0.05 * planned), (planned, line))
                if more[:1] == ["--memory"]:
                    self.assertGreater(line["spill_bytes"], 0)
                    self.assertLessEqual(line["peak_private_bytes"], int(more[1].removesuffix("MiB")) * MIB + 16 * MIB)

    def test_what_only_goes_forward_counts(self):
        """Validation and sample answers over more than any training row has."""
        short = self.file("short.jsonl", rows(8))
        for more in (["--samples", "0"], ["--samples", "1"]):
            flags = ["--validation", self.data, "--validate-every", "1", *more]
            self.data, long = short, self.data
            with self.subTest(flags=more):
                planned, line = self.planned(*flags), self.measured(f"run{more[1]}", *flags)
                self.assertLessEqual(abs(planned - line["peak_private_bytes"]), 16 * MIB, (planned, line))
                self.assertGreater(planned, 12 * MIB)
                self.wrong(*self.long_run("a", "-q", *flags, "--memory", "8MiB"), says="validation or sample answers over 30,0")
            self.data = long

    def test_contradictory_flags(self):
        self.wrong(*self.long_run("a"), "--memory", "1GiB", "--keep", "input", says="--memory: chooses")
        self.wrong(*self.long_run("a"), "--memory", "1GiB", "--activations", "1MiB", says="--memory: chooses")
        self.wrong(*self.long_run("a"), "--memory", "1GiB", "--dtype", "f32", says="--memory: is planned for activations in bf16")

    def test_a_long_step_ended_within_goes_on(self):
        self.good(*self.long_run("whole", "-q"))
        long = ["--resume-seconds", "0", "-q"]
        for layers, how in (("forward", signal.SIGKILL), ("backward", signal.SIGKILL), ("backward", signal.SIGTERM)):
            with self.subTest(ended=layers, how=how):
                out = f"{how.name}-{layers}"
                child = subprocess.Popen([PROGRAM, *self.long_run(out, *long)], env=self.environment)
                limit = time.monotonic() + 120
                while not (self.home / out / "step" / layers).exists():
                    self.assertIsNone(child.poll(), "it ended by itself")
                    self.assertLess(time.monotonic(), limit)
                    time.sleep(0.001)
                child.send_signal(how)
                child.wait(timeout=60)
                self.assertTrue((self.home / out / "step" / "activations.spill").exists())
                self.good(*self.long_run(out, *long))
                self.assertEqual(self.adapter(out), self.adapter("whole"))
                self.assertFalse((self.home / out / "step").exists(), "left behind")
        self.assertEqual([line["loss"] for line in self.lines("SIGKILL-backward", "log.jsonl")],
                         [line["loss"] for line in self.lines("whole", "log.jsonl")])  # fmt: skip


if __name__ == "__main__":
    unittest.main()
