"""Data and a short run of tome train, for the tests that look at runs from outside."""

import hashlib
import json
import random
import signal
import subprocess
import time

from program import PROGRAM, ProgramTest

STEPS = 12


def rows(count: int, seed: int = 3) -> str:
    dice = random.Random(seed)
    lines = []
    for i in range(count):
        name = dice.choice(["Ann", "Bob", "Cid"])
        text = " ".join(dice.choice(["the", "ferry", "in", "her", "boat"]) for _ in range(30))
        lines.append(json.dumps({"document": f"{text} {name} {i}", "question": "Who?", "answer": name}))
    return "\n".join(lines) + "\n"


class TrainTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.data = self.file("qa.jsonl", rows(24))

    def arguments(self, out: str, *more: str) -> list[str]:
        """A short run; what `more` says goes before it."""
        usual = {"--data": self.data, "--context": "512", "--steps": str(STEPS), "--rank": "4", "--hold-out": "3",
                 "--validate-every": "5", "--learning-rate": "2e-2", "--out": str(self.home / out)}  # fmt: skip
        return ["train", *(word for pair in usual.items() if pair[0] not in more for word in pair), *more]

    def lines(self, out: str, name: str) -> list[dict]:
        return [json.loads(line) for line in (self.home / out / name).read_text().splitlines()]

    def adapter(self, out: str) -> list[str]:
        """Of the best adapter and the last: hashes, because unittest compares long bytes for minutes when they differ."""
        files = [self.home / out / folder / "adapter_model.safetensors" for folder in ("", "last")]
        return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]

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
