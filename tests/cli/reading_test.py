#!/usr/bin/env python3
"""Kept readings from outside: reuse, the same answer however a text was read, interruptions, disks that fail.

TOME_TEST_ALL=1: 50 kills instead of 3, and the default model on the example story too (gemma.gguf in the real data
home; ./run setup fetches it).
"""

import contextlib
import os
import random
import resource
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import tiny_model
from program import PROGRAM, ROOT, ProgramTest

DATA_HOME = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
GEMMA = DATA_HOME / "tome" / "models" / "gemma.gguf"
STORY = ROOT / "examples" / "the_clock_at_corvane.txt"
ALL = os.environ.get("TOME_TEST_ALL") == "1"
KILLS = 50 if ALL else 3
SNAPSHOT = 4096  # tokens: sliding layers go on from a multiple of it


def letters(count: int, seed: int = 1) -> str:
    """Text of which every letter is one token of the tiny models."""
    return "".join(random.Random(seed).choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ ", k=count))


class TinyReadings(ProgramTest):
    def setUp(self):
        super().setUp()
        tiny_model.write_model(self.models / "llama", window=16384)
        tiny_model.write_model(self.models / "gemma", gemma=True, window=16384)

    def arguments(self, model: str, file: str) -> list[str]:
        shared = ["-q", "--layout", "chatml", "--max-tokens", "24", "--question", "WHO WAS IT"]
        return ["ask", file, "-m", model, *shared]

    def ask(self, model: str, file: str, *more: str) -> dict:
        return self.good_json(*self.arguments(model, file), *more)

    def fresh(self, model: str, file: str) -> str:
        return self.ask(model, file, "--no-keep")["answer"]

    def kept_files(self) -> list[str]:
        return [path.name for path in self.store.iterdir()] if self.store.exists() else []


class Reuse(TinyReadings):
    def test_same_text_is_not_read_again(self):
        answers = set()
        for model in ("llama", "gemma"):
            for text in (letters(700), letters(700, seed=2)):
                self.good("readings", "rm", "--all")  # the layout's beginning is the same for every text
                file = self.file("text.txt", text)
                first, second = self.ask(model, file), self.ask(model, file)
                self.assertEqual(first["reading"]["reused_tokens"], 0)
                self.assertEqual(second["reading"]["reused_tokens"], second["tokens"]["document"])
                self.assertEqual(first["answer"], second["answer"])
                self.assertEqual(first["answer"], self.fresh(model, file))
                answers.add(first["answer"])
        self.assertEqual(len(answers), 4, "answers that do not depend on the text prove nothing")

    def test_change_in_the_middle(self):
        text = letters(9000)
        for model in ("llama", "gemma"):
            original = self.ask(model, self.file("text.txt", text))
            frame = original["tokens"]["document"] - len(text)
            for at in (8900, 5000, 100):
                changed = self.file("changed.txt", text[:at] + "#" + text[at + 1 :])
                again = self.ask(model, changed)
                reused = again["reading"]["reused_tokens"]
                if model == "llama":
                    self.assertGreaterEqual(reused, at)
                    self.assertLessEqual(reused, at + frame)
                else:
                    self.assertEqual(reused % SNAPSHOT, 0)
                    self.assertGreater(reused, at - SNAPSHOT)
                    self.assertLessEqual(reused, at + frame)
                self.assertEqual(again["answer"], self.fresh(model, changed), (model, at))

    def test_extended_text(self):
        text = letters(6000)
        for model in ("llama", "gemma"):
            self.ask(model, self.file("text.txt", text))
            longer = self.file("longer.txt", text + letters(1500, seed=3))
            extended = self.ask(model, longer)
            back = SNAPSHOT if model == "gemma" else 0
            self.assertGreaterEqual(extended["reading"]["reused_tokens"], 6000 - back)
            self.assertLess(extended["reading"]["reused_tokens"], 7500)
            self.assertEqual(extended["answer"], self.fresh(model, longer), model)


class Interruptions(TinyReadings):
    def interrupt(self, command: list[str], kind: signal.Signals, after: float) -> int:
        child = subprocess.Popen([PROGRAM, *command], env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(after)
        child.send_signal(kind)
        _, errors = child.communicate(timeout=300)
        if kind == signal.SIGINT and child.returncode == 130:
            self.assertLessEqual(errors.count(b"\n"), 1, errors)
        return child.returncode

    def check(self, kind: signal.Signals, times: int, codes: set[int]):
        file = self.file("text.txt", letters(9000))
        moments = random.Random(7)
        stopped = 0
        for i in range(times):
            model = ("llama", "gemma")[i % 2]
            start = time.monotonic()
            right = self.fresh(model, file)
            whole = time.monotonic() - start
            self.good("readings", "rm", "--all")
            code = self.interrupt(self.arguments(model, file), kind, moments.uniform(0.02, whole))
            self.assertIn(code, codes)
            stopped += code != 0
            resumed = self.ask(model, file)
            self.assertEqual(resumed["answer"], right)
            self.assertEqual([name for name in self.kept_files() if not name.endswith(".safetensors")], [])
        self.assertGreater(stopped, 0, "every reading was over before its signal")

    def test_kill_at_random_moments(self):
        self.check(signal.SIGKILL, KILLS, {0, -signal.SIGKILL})

    def test_ctrl_c_at_random_moments(self):
        # Before the program listens a signal ends it as it ends any other.
        self.check(signal.SIGINT, KILLS, {0, 130, -signal.SIGINT})


class Disks(TinyReadings):
    def setUp(self):
        super().setUp()
        self.book = self.file("text.txt", letters(3000))

    def test_store_that_cannot_be_written(self):
        blocked = self.file("a-file", "not a folder")
        stores = ["/proc/readings", blocked, blocked + "/below"]
        if os.geteuid() != 0:
            locked = self.home / "locked"
            locked.mkdir(mode=0o555)
            stores.append(str(locked))
        for store in stores:
            for keep in ([], ["--no-keep"]):
                self.wrong(*self.arguments("llama", self.book), "--store", store, *keep, says=store)

    def test_limit_on_file_size(self):
        right = self.ask("llama", self.book)
        size = Path(right["reading"]["path"]).stat().st_size
        for limit in (100, size // 3, size - 1000):
            self.good("readings", "rm", "--all")
            failed = subprocess.run(
                [PROGRAM, *self.arguments("llama", self.book)],
                env=self.environment,
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
                preexec_fn=lambda limit=limit: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
            )
            self.assertEqual(failed.returncode, 2, failed.stderr)
            self.assertEqual((failed.stdout, failed.stderr.count("\n")), ("", 1), failed.stderr)
            self.assertIn(str(self.store), failed.stderr)
            self.assertEqual(self.ask("llama", self.book)["answer"], right["answer"])

    def test_full_disk(self):
        with tempfile.TemporaryDirectory() as folder:
            mounted = subprocess.run(
                ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", folder], capture_output=True, check=False
            )
            if mounted.returncode != 0:
                self.skipTest("mounting a small disk needs root")
            try:
                line = self.wrong(*self.arguments("llama", self.book), "--store", folder, says=folder)
                self.assertIn("free some space", line)
                self.wrong(*self.arguments("llama", self.book), "--store", folder, "--no-keep", says=folder)
                full = Path(folder) / "full"
                with contextlib.suppress(OSError):
                    full.write_bytes(bytes(10_000_000))
                self.wrong("text", self.book, "-o", str(Path(folder) / "out.txt"), says="out.txt")
                self.assertFalse((Path(folder) / "out.txt").exists(), "half a file")
            finally:
                subprocess.run(["umount", folder], check=True)


@unittest.skipUnless(ALL and GEMMA.exists(), f"needs TOME_TEST_ALL=1 and {GEMMA}")
class TheDefaultModel(ProgramTest):
    def setUp(self):
        super().setUp()
        (self.models / "gemma.gguf").symlink_to(GEMMA)
        self.command = ["ask", str(STORY), "Who killed Ambrose Thackeray?", "-q", "-m", "gemma"]

    def test_killed_readings_give_the_same_answer(self):
        start = time.monotonic()
        right = self.good(*self.command, "--no-keep")
        whole = time.monotonic() - start
        moments = random.Random(8)
        for _ in range(KILLS):
            self.good("readings", "rm", "--all")
            child = subprocess.Popen([PROGRAM, *self.command], env=self.environment, stdout=subprocess.DEVNULL)
            time.sleep(moments.uniform(0, whole))
            child.kill()
            child.wait()
            self.assertEqual(self.good(*self.command), right)


if __name__ == "__main__":
    unittest.main()
