#!/usr/bin/env python3
"""tome train from outside: what a run leaves, and that one which was ended at any moment goes on to the same adapter."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unittest
from pathlib import Path

import tiny_adapter
from program import PROGRAM
from train_runs import STEPS, TrainTest, rows

LOG_KEYS = ["step", "loss", "learning_rate", "target_tokens", "tokens", "tokens_per_second", "fraction_of_peak",
            "peak_rss_bytes", "peak_private_bytes", "spill_bytes"]  # fmt: skip
LINE = (
    r"step \d+/\d+  loss \d+\.\d{4}(  validation \d+\.\d{4})?  \d+ tokens/s  \d+ % of peak  [\d.]+ [MG]iB(  [\d:]+ left)?"
)


class Train(TrainTest):
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

    def test_a_complete_run_is_not_trained_again(self):
        self.good(*self.arguments("a"))
        before = {path: path.stat().st_mtime_ns for path in (self.home / "a").glob("*.safetensors")}
        said = self.tome(*self.arguments("a"))
        self.assertEqual(said.returncode, 0)
        self.assertIn(f"holds this run already, complete with step {STEPS}", said.stderr)
        self.assertNotIn("done:", said.stderr)
        self.assertEqual(len(self.lines("a", "log.jsonl")), STEPS)
        self.assertEqual({path: path.stat().st_mtime_ns for path in (self.home / "a").glob("*.safetensors")}, before)

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
            for name in ("validation.jsonl", "samples.jsonl"):
                self.assertEqual(self.lines(out, name), self.lines("whole", name), out)

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

    def test_samples(self):
        self.good(*self.arguments("with"))
        self.good(*self.arguments("without", "--samples", "0"))
        self.assertEqual(self.adapter("with"), self.adapter("without"))
        self.assertEqual(self.lines("without", "samples.jsonl"), [])
        samples = self.lines("with", "samples.jsonl")
        self.assertEqual([sample["step"] for sample in samples], [5] * 3 + [10] * 3 + [STEPS] * 3)
        report = (self.home / "with/report.html").read_text()
        asked = {json.loads(line)["answer"] for line in Path(self.data).read_text().splitlines()}
        for sample in samples:
            self.assertEqual(list(sample), ["step", "question", "expected", "answer"])
            self.assertEqual(sample["question"], "Who?")
            self.assertIn(sample["expected"], asked)
            self.assertIn("<th scope=\"row\">step 5</th>", report)
        self.assertEqual(os.listdir(self.home / "data/tome"), ["models"])  # no reading is kept

    def test_a_sample_is_what_ask_answers(self):
        row = {"document": "the ferry in her boat Bob", "question": "Who rowed?", "answer": "Bob"}
        only = self.file("only.jsonl", json.dumps(row) + "\n")
        self.good(*self.arguments("a", "--hold-out", "0", "--validation", only, "--validate-every", "100"))
        book = self.file("book.txt", row["document"])
        answer = self.good_json("ask", book, "--question", "Who rowed?", "--adapter", str(self.home / "a/last"), "--max-tokens", "32")
        self.assertEqual(self.lines("a", "samples.jsonl"), [
            {"step": STEPS, "question": "Who rowed?", "expected": "Bob", "answer": answer["answer"].strip()}])  # fmt: skip
        self.assertTrue(answer["answer"].strip())

    def test_samples_of_the_training_rows(self):
        self.good(*self.arguments("a", "--hold-out", "0", "--samples", "1"))
        self.assertEqual([line["step"] for line in self.lines("a", "samples.jsonl")], [5, 10, STEPS])
        self.assertEqual(self.lines("a", "validation.jsonl"), [])
        texts = self.file("texts.jsonl", json.dumps({"text": "the ferry in her boat"}) + "\n")
        self.good(*self.arguments("b", "--hold-out", "0", "--validation", texts))
        self.assertEqual(len(self.lines("b", "samples.jsonl")), 9)
        self.data = texts
        self.good(*self.arguments("c", "--hold-out", "0"))
        self.assertEqual(self.lines("c", "samples.jsonl"), [])

    def test_validation_in_a_file_of_its_own(self):
        own = self.file("own.jsonl", rows(5, seed=9))
        said = self.tome(*self.arguments("a", "--hold-out", "0", "--validation", own))
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertIn("validation: 5 rows", said.stderr)
        self.assertRegex(said.stderr, r"done: .*  validation \d")
        records = self.lines("a", "validation.jsonl")
        self.assertEqual([line["step"] for line in records], [5, 10, STEPS])
        self.assertEqual(records[0]["target_tokens"], 5 * 5)  # " Ann" and the line end, byte by byte
        self.assertIn(f"validation {records[-1]['loss']:.4f}", said.stderr)
        # Training sees the same rows with and without.
        self.good(*self.arguments("b", "--hold-out", "0"))
        self.assertEqual(self.adapter("a")[1], self.adapter("b")[1])
        # Other validation data are another run.
        self.wrong(*self.arguments("a", "--hold-out", "0", "-q", "--validation", self.data), says="validation: ")

    def test_progress_without_a_terminal_is_few_whole_lines(self):
        for environment in ({}, {"TERM": "dumb"}):
            said = self.tome(*self.arguments("a", "--schedule", "constant", "--steps", "60"), **environment).stderr
            lines = [line for line in said.splitlines() if "loss" in line]
            for line in lines:
                self.assertRegex(line, f"^(done: )?{LINE}$")
            self.assertRegex(lines[0], r"^step 1/60 .* left$")
            self.assertTrue(lines[-1].startswith("done: step 60/60"), lines)
            self.assertLess(len(lines), 15)
            self.assertNotIn("\r", said)
            self.assertEqual(self.tome(*self.arguments("q", "-q")).stderr, "")
            subprocess.run(["rm", "-r", self.home / "a", self.home / "q"], check=True)

    def on_terminal(self, columns: int, *arguments: str) -> list[str]:
        """All that the rewritten line has shown."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        child = subprocess.Popen([PROGRAM, *arguments], env=self.environment | {"TERM": "xterm"}, stderr=slave)
        os.close(slave)
        shown, limit = b"", time.monotonic() + 120
        while time.monotonic() < limit and select.select([master], [], [], 60)[0]:
            try:
                shown += os.read(master, 65536)
            except OSError:  # the program has ended
                break
        os.close(master)
        self.assertEqual(child.wait(timeout=60), 0)
        return [line for line in re.findall(r"\r\x1b\[K([^\r\n]*)", shown.decode()) if "/" in line and "done" not in line]

    def test_progress_on_a_terminal_has_all_figures(self):
        step, number = rf"\d+/{STEPS}", r"\d+\.\d{4}"
        for columns, form in (
            (120, rf"step {step}  loss {number}(  validation {number})?  \d+ tokens/s  \d+ % of peak  \d+ MiB  [\d:]+ left"),
            (80, rf"{step}  loss {number}(  val {number})?  \d+ tok/s  \d+ % of peak  \d+M  [\d:]+ left|step .* left"),
            (40, rf"{step} {number}( val {number})? \d+/s \d+% \d+M [\d:]+"),
        ):
            lines = self.on_terminal(columns, *self.arguments(str(columns)))
            self.assertTrue(lines)
            for line in lines:
                self.assertLess(len(line), columns)
                self.assertRegex(line, f"^({form})$")

    def test_a_full_disk_is_named_and_the_run_goes_on_later(self):
        self.good(*self.arguments("whole"))
        for limit, more, words in (
            (4_000, [], "optimizer's moments"),
            (64 << 10, [], "or give --samples 0"),
            (64 << 10, ["--samples", "0", "--moments", "f32"], ""),
        ):
            said = self.wrong(*self.arguments("a", "-q", *more), largest_file=limit, says="make room")
            self.assertIn(words, said)
            self.assertIn(str(self.home / "a"), said)
        self.good(*self.arguments("a"))
        self.assertEqual(self.adapter("a"), self.adapter("whole"))

    def test_a_folder_that_cannot_be_written_to(self):
        file = self.file("file", "")
        for out in (file, file + "/below", "/proc/tome"):
            self.wrong("train", "--data", self.data, "--out", out, says=f"--out {out}: cannot be written to: ")

    def test_other_data_in_the_same_folder(self):
        self.good(*self.arguments("a"))
        self.data = self.file("other.jsonl", rows(24, seed=4))
        said = self.wrong(*self.arguments("a", "-q"), says="belongs to another run (data: ")
        self.assertIn("choose another --out", said)

    def test_going_on_with_an_adapter(self):
        self.good(*self.arguments("a"))
        first = str(self.home / "a/last")
        self.good(*self.arguments("same", "--adapter", first, "--learning-rate", "0", "-q"))
        self.assertEqual(self.adapter("same")[1], self.adapter("a")[1])
        self.good(*self.arguments("b", "--adapter", first, "-q"))
        self.assertNotEqual(self.adapter("b")[1], self.adapter("a")[1])
        losses = {out: [line["loss"] for line in self.lines(out, "log.jsonl")] for out in ("a", "b")}
        self.assertLess(losses["b"][0], losses["a"][0] - 0.5 * (losses["a"][0] - losses["a"][-1]))
        self.end("stopped", signal.SIGKILL, 4, "--adapter", first)
        self.good(*self.arguments("stopped", "--adapter", first, "-q"))
        self.assertEqual(self.adapter("stopped"), self.adapter("b"))
        own = str(self.home / "b/last")
        self.wrong(*self.arguments("b", "--adapter", own, "-q"), says="holds the adapter to go on with")
        self.wrong(*self.arguments("b", "--adapter", str(self.home / "b2"), "-q"), says="adapter_config.json")
        self.wrong(*self.arguments("a2", "--adapter", first, "--rank", "8", "-q"), says="--rank: got 8, but the adapter to go on")
        self.wrong(*self.arguments("a2", "--adapter", first, "--matrices", "q", "-q"), says="--matrices: got q, but the adapter")
        loop = self.home / "loop"
        loop.symlink_to(loop)
        self.wrong(*self.arguments("a2", "--adapter", str(loop), "-q"), says=f"--adapter {loop}: ")

    def test_another_adapter_to_go_on_with_is_another_run(self):
        one, other = (tiny_adapter.write_adapter(self.home / name, seed=seed) for name, seed in (("one", 1), ("other", 2)))
        settings = ["--rank", str(tiny_adapter.RANK), "--steps", "2", "-q"]
        self.good(*self.arguments("a", "--adapter", one, *settings))
        self.wrong(*self.arguments("a", "--adapter", other, *settings), says="belongs to another run (adapter: ")

    def test_what_goes_on_is_said_and_saved(self):
        begun = tiny_adapter.write_adapter(self.home / "begun")
        config = Path(begun) / "adapter_config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | {"lora_alpha": -4}))  # no --alpha takes it
        again = ["--rank", str(tiny_adapter.RANK), "--steps", "2"]
        said = self.tome(*self.arguments("a", "--adapter", begun, "--dropout", "0.1", *again))
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertIn(f"going on with {begun}: rank {tiny_adapter.RANK}, alpha -4, q, k, down", said.stderr)
        self.assertEqual(json.loads((self.home / "a/adapter_config.json").read_text())["lora_dropout"], 0.1)
        self.good("train", "--settings", str(self.home / "a/settings.toml"), "--out", str(self.home / "b"), "-q")
        self.assertEqual(self.adapter("a"), self.adapter("b"))

    def test_an_adapter_for_all_commands_is_for_answers(self):
        settings = self.home / "config" / "tome" / "config.toml"
        settings.parent.mkdir(parents=True)
        settings.write_text(f'adapter = "{tiny_adapter.write_adapter(self.home / "begun")}"\n')
        self.environment["XDG_CONFIG_HOME"] = str(self.home / "config")
        self.good(*self.arguments("a", "--steps", "1", "-q"))
        self.assertEqual(json.loads((self.home / "a/adapter_config.json").read_text())["r"], 4)
        settings.write_text(f'[train]\nadapter = "{self.home / "begun"}"\n')
        self.good(*self.arguments("b", "--rank", str(tiny_adapter.RANK), "--steps", "1", "-q"))
        self.assertEqual(json.loads((self.home / "b/adapter_config.json").read_text())["r"], tiny_adapter.RANK)

    def test_what_is_not_finite_is_not_saved(self):
        wild = ["--hold-out", "3", "--validate-every", "1", "--clip", "0", "--schedule", "constant", "--learning-rate", "10"]
        self.wrong(*self.arguments("a", *wild, "--alpha", "1000000", "-q"), says="the loss of the held-out rows is no longer")
        self.assertEqual(list((self.home / "a").glob("**/adapter_model.safetensors")), [])
        self.assertEqual(self.lines("a", "validation.jsonl"), [])

    def test_an_adapter_goes_on_as_it_was_trained(self):
        trained = tiny_adapter.write_adapter(self.home / "trained", rope_scaling="linear:4", layout="qa")
        rank = str(json.loads((Path(trained) / "adapter_config.json").read_text())["r"])
        arguments = ["--adapter", trained, "--rank", rank, "--steps", "1"]
        self.good(*self.arguments("b", *arguments, "-q"))
        use = json.loads((self.home / "b/tome.json").read_text())
        self.assertEqual((use["rope_scaling"], use["layout"]), ("linear:4:4096", "qa"))
        said = self.tome(*self.arguments("c", *arguments, "--rope-scaling", "yarn:4"))
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertIn("was trained with RoPE scaling linear:4:4096 and goes on with yarn:4:4096", said.stderr)

    def test_flags(self):
        x = ["train", "--data", self.data, "--out", str(self.home / "x")]
        self.wrong(*x, "--pose", "8k", says="--context")
        self.wrong(*x, "--context", "8k", "--pose", "4k", says="--pose 4k: is less than --context 8k")
        self.wrong(*x, "--schedule", "up", says="cosine")
        self.wrong(*x, "--learning-rate", "nan", says="0 to 10")
        self.wrong(*x, "--context", "8q", says="8q")
        self.wrong(*x, "--steps", "3", "--epochs", "2", says="--steps and --epochs: both")
        self.wrong(*x, "--hold-out", "3", "--validation", self.data, says="--validation and --hold-out: both say")
        self.wrong(*x, "-q", "--steps", "3", "--warm-up", "3", says="--warm-up 3: the whole run has 3 steps")
        self.wrong(*x, "-q", "--hold-out", "24", says="--hold-out: got 24")
        self.wrong(*x, "--hold-out", "-1", says="-1 not in range 0 to 1000000000")
        self.wrong(*x, "--seed", "-5", says="--seed")
        self.wrong(*x, "--steps", "9223372036854775807", says="--steps")
        self.wrong("train", "--data", self.data, says="--out is required")


if __name__ == "__main__":
    unittest.main()
