#!/usr/bin/env python3
"""The default model reads the example story: the answer, the kept reading, and kill -9 at random moments.

Needs gemma.gguf in the real data home (./run setup); skips visibly without it. TOME_TEST_ALL=1: 50 kills, else 3.
"""

import os
import random
import subprocess
import time
import unittest
from pathlib import Path

from program import PROGRAM, ROOT, ProgramTest

DATA_HOME = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
GEMMA = DATA_HOME / "tome" / "models" / "gemma.gguf"
STORY = str(ROOT / "examples" / "the_clock_at_corvane.txt")
QUESTION = "Who killed Ambrose Thackeray?"
KILLS = 50 if os.environ.get("TOME_TEST_ALL") == "1" else 3


@unittest.skipUnless(GEMMA.exists(), f"{GEMMA} is not there: ./run setup fetches it")
class Reading(ProgramTest):
    def setUp(self):
        super().setUp()
        (self.models / "gemma.gguf").symlink_to(GEMMA)
        self.environment["TOME_MODEL"] = "gemma"

    def ask(self, file: str = STORY) -> dict:
        return self.good_json("ask", file, QUESTION, "-q")

    def test_second_ask_and_changed_text_reuse(self):
        first, second = self.ask(), self.ask()
        self.assertEqual(first["answer"], second["answer"])
        self.assertEqual(second["reading"]["reused_tokens"], second["tokens"]["document"])
        longer = self.file("longer.txt", Path(STORY).read_text(encoding="utf-8") + "\nThe end.\n")
        self.assertGreaterEqual(self.ask(longer)["reading"]["reused_tokens"], 0)

    def test_killed_readings_give_the_same_answer(self):
        start = time.monotonic()
        right = self.ask()["answer"]
        whole = time.monotonic() - start
        moments = random.Random(7)
        for _ in range(KILLS):
            self.good("readings", "rm", "--all")
            child = subprocess.Popen([PROGRAM, "ask", STORY, QUESTION, "-q"], env=self.environment, stdout=subprocess.DEVNULL)
            time.sleep(moments.uniform(0, whole))
            child.kill()
            child.wait()
            self.assertEqual(self.ask()["answer"], right)


if __name__ == "__main__":
    unittest.main()
