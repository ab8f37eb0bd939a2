#!/usr/bin/env python3
"""`tome eval` and `tome eval compare` from outside: runs, resuming, what does not fit, reports that add up."""

import json
import random
import signal
import subprocess
import time
import unittest
from html.parser import HTMLParser
from pathlib import Path

from program import PROGRAM, ProgramTest

WORDS = [
    "the",
    "a",
    "red",
    "old",
    "small",
    "house",
    "river",
    "stone",
    "walks",
    "sings",
    "under",
    "over",
    "because",
    "never",
    "quietly",
    "seven",
    "lanterns",
]


def prose(seed: int, words: int) -> str:
    numbers = random.Random(seed)
    sentences = []
    while words > 0:
        length = min(words, numbers.randint(5, 12))
        sentences.append(" ".join(numbers.choice(WORDS) for _ in range(length)).capitalize() + ".")
        words -= length
    return " ".join(sentences)


class Page(HTMLParser):
    """Tags opened and closed in order, and what would load or run."""

    VOID = ("meta", "br", "img", "link", "input")

    def __init__(self, text: str):
        super().__init__()
        self.open, self.loads, self.wrong = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.loads += [value for name, value in attributes if name in ("src", "href")]
        if tag == "script":
            self.loads.append("script")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.loads += [value for name, value in attributes if name in ("src", "href")]

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


class Eval(ProgramTest):
    LINES = ("eval", "--tasks", "lines", "--lengths", "800,1200", "--samples", "4")

    def results(self, folder: Path) -> list[dict]:
        return json.loads((folder / "results.json").read_text(encoding="utf-8"))

    def answers(self, folder: Path, view: str = "whole") -> list[dict]:
        lines = (folder / "answers" / f"{view}.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def test_the_list_names_every_task(self):
        listed = self.good("eval", "--list")
        for task in (
            "lines",
            "topics",
            "needle",
            "ruler",
            "novel",
            "narrativeqa",
            "longbench",
            "infinitebench",
            "nolima",
            "ppl",
        ):
            self.assertRegex(listed, rf"(?m)^{task}  ")

    def test_a_run_leaves_a_whole_folder(self):
        out = self.home / "run"
        table = self.good(*self.LINES, "--out", str(out))
        self.assertIn("| lines | tiny |", table)
        rows = self.results(out)
        self.assertEqual([(row["task"], row["length"]) for row in rows], [("lines", 800), ("lines", 1200)])
        for row in rows:
            self.assertEqual(row["n"] + row["skipped"] + row["errors"] + row["missing"], 4)
            self.assertEqual(row["n"], 4)
            self.assertEqual(row["run"]["model"], "tiny")
            self.assertTrue(0 <= row["low"] <= row["score"] <= row["high"] <= 1)
            self.assertGreater(row["prompt_tokens"], row["length"] * 0.9)
        for name in ("report.md", "report.html", "transcript.md", "run.json", "samples.jsonl"):
            self.assertTrue((out / name).exists(), name)
        self.assertFalse((out / "reading").exists())
        page = Page((out / "report.html").read_text(encoding="utf-8"))
        self.assertEqual((page.open, page.wrong, page.loads), ([], [], []))
        total = [
            len((out / "documents" / f"{i}.txt").read_bytes()) for i in range(len(list((out / "documents").iterdir())))
        ]
        self.assertTrue(all(size <= 1200 * 2 for size in total))

    def test_a_run_goes_on_where_it_stopped(self):
        whole, stopped = self.home / "whole", self.home / "stopped"
        self.good(*self.LINES, "--out", str(whole))
        self.good(*self.LINES, "--out", str(stopped))
        path = stopped / "answers" / "whole.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(lines[:3]) + lines[3][:20], encoding="utf-8")
        self.good(*self.LINES, "--out", str(stopped))
        texts = [{answer["id"]: answer["text"] for answer in self.answers(folder)} for folder in (whole, stopped)]
        self.assertEqual(*texts)
        self.assertEqual(len(texts[0]), 8)

    def test_ctrl_c_leaves_a_report_and_the_same_command_goes_on(self):
        out = self.home / "run"
        command = [PROGRAM, "eval", "--tasks", "lines", "--lengths", "3000", "--samples", "40", "--out", str(out)]
        process = subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(600):
            time.sleep(0.02)
            if (out / "answers" / "whole.jsonl").exists() and (out / "answers" / "whole.jsonl").stat().st_size > 0:
                break
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        if process.returncode == 0:
            self.skipTest("it was done before the signal came")
        self.assertEqual(process.returncode, 130)
        row = self.results(out)[0]
        self.assertEqual(row["n"] + row["missing"], 40)
        self.assertGreater(row["missing"], 0)
        self.good(*command[1:])
        self.assertEqual(self.results(out)[0]["n"], 40)

    def test_a_folder_belongs_to_one_request_and_one_model(self):
        out = self.home / "run"
        self.good(*self.LINES, "--out", str(out))
        self.wrong(*self.LINES, "--seed", "2", "--out", str(out), says="seed: 1 there, 2 now")
        self.wrong(*self.LINES, "--layout", "qa-form", "--out", str(out), says="frame_tokens")
        self.wrong(*self.LINES, "--exact", "--out", str(out), says="exact: false there, true now")
        self.wrong("eval", "--tasks", "lines", "--out", self.file("notes.txt", "mine"), says="notes.txt")
        self.wrong("eval", "--tasks", "nosuch", "--out", str(self.home / "b"), says='no task "nosuch"')
        self.wrong("eval", "--tasks", "lines", says="--out")
        self.wrong("eval", "--out", str(self.home / "c"), says="--tasks")

    def test_what_is_longer_than_the_window(self):
        base = ("eval", "--tasks", "lines", "--lengths", "2000,5000", "--samples", "2", "--set", "lines.questions=1")
        error = self.wrong(*base, "--out", str(self.home / "a"), says="the window has 4096")
        self.assertIn("--too-long skip or cut", error)
        self.good(*base, "--too-long", "skip", "--out", str(self.home / "b"))
        rows = {row["length"]: row for row in self.results(self.home / "b")}
        self.assertEqual((rows[2000]["n"], rows[2000]["skipped"]), (2, 0))
        self.assertEqual((rows[5000]["n"], rows[5000]["skipped"], rows[5000]["score"]), (0, 2, None))
        self.good(*base, "--too-long", "cut", "--out", str(self.home / "c"))
        rows = {row["length"]: row for row in self.results(self.home / "c")}
        self.assertEqual(rows[2000]["cut_tokens"], 0)
        self.assertEqual(rows[5000]["n"], 2)
        self.assertTrue(2 * 850 < rows[5000]["cut_tokens"] < 2 * 1100, rows[5000]["cut_tokens"])

    def test_three_views(self):
        out = self.home / "run"
        self.good(
            *self.LINES,
            "--retrieve",
            "bm25",
            "--passages",
            "2",
            "--passage-tokens",
            "100",
            "--no-document",
            "--out",
            str(out),
        )
        answerers = {row["answerer"] for row in self.results(out)}
        self.assertEqual(answerers, {"tiny", "tiny + BM25 2 x 100", "tiny + no document"})
        self.assertEqual(len(self.answers(out, "bm25-2x100")), 8)
        passages = [answer["prompt_tokens"] for answer in self.answers(out, "bm25-2x100")]
        self.assertTrue(all(count < 600 for count in passages), passages)
        report = (out / "report.md").read_text(encoding="utf-8")
        self.assertIn("What the text gave", report)

    def test_runs_side_by_side(self):
        one, two, three = (str(self.home / name) for name in ("one", "two", "three"))
        self.good(*self.LINES, "--out", one)
        self.good("eval", "--samples-from", one, "--layout", "qa", "--out", two)
        self.good(*self.LINES, "--seed", "2", "--out", three)
        compared = self.good("eval", "compare", one, two, three, "--out", str(self.home / "compared"))
        self.assertIn("| lines | 800 | tiny (one) | tiny (two) | 4 |", compared)
        self.assertIn("| lines | 800 | tiny (one) | tiny (three) | other samples | - | - | - | no test |", compared)
        self.assertRegex(compared, r"\| Anima 100K \| 0\.45 \|.*published \|")
        data = json.loads((self.home / "compared" / "compare.json").read_text(encoding="utf-8"))
        self.assertEqual({pair["same_samples"] for pair in data["pairs"]}, {True, False})
        page = Page((self.home / "compared" / "compare.html").read_text(encoding="utf-8"))
        self.assertEqual((page.open, page.wrong, page.loads), ([], [], []))
        self.wrong("eval", "compare", one, str(self.home), says="is not the folder of a run")

    def test_flags_that_would_do_nothing_are_refused(self):
        one, two = str(self.home / "one"), str(self.home / "two")
        self.wrong(*self.LINES, "--tasks", "lines,lines", "--out", two, says="--tasks: has lines twice")
        self.wrong(*self.LINES, "--set", "lines.question=5", "--out", two, says="it looks for lines.count, lines.questions")
        self.wrong(*self.LINES, "--data", f"foo={self.home}", "--out", two, says="--data foo=")
        self.wrong(*self.LINES, "--seed", "-5", "--out", two, says="--seed")
        self.good(*self.LINES, "--out", one)
        for more in (["--tasks", "needle"], ["--lengths", "4k"], ["--samples", "9"], ["--shots", "3"], ["--seed", "9"], ["--set", "lines.count=9"]):
            self.wrong("eval", "--samples-from", one, *more, "--out", two, says=f"{more[0]}: with --samples-from")
        other = self.file("other.jsonl", '{"id": "x", "answer": "y"}\n')
        answers = ["eval", "--samples-from", one, "--answers", other, "--out", two]
        self.wrong(*answers, says="none of its ids is one of the run's 8 samples; it has 'x'")
        self.wrong(*answers, "--adapter", one, says="--adapter: goes without --answers")

    def test_a_file_of_answers_needs_no_model(self):
        out = self.home / "run"
        self.good(*self.LINES, "--out", str(out))
        samples = [json.loads(line) for line in (out / "samples.jsonl").read_text(encoding="utf-8").splitlines()]
        right = [{"id": sample["id"], "answer": f"It is {sample['answers'][0]}."} for sample in samples]
        right[1]["answer"] = "I do not know"
        given = self.file("answers.jsonl", "".join(json.dumps(row) + "\n" for row in right[:-1]))
        scored = self.home / "scored"
        self.good("eval", "--samples-from", str(out), "--answers", given, "--out", str(scored))
        rows = self.results(scored)
        self.assertEqual([(row["n"], row["missing"], row["score"]) for row in rows], [(4, 0, 0.75), (3, 1, 1)])
        broken = self.file("broken.jsonl", '{"id": "x", "answer": "y"}\n{"id": "x", "answer": "z"}\n')
        self.wrong(
            "eval",
            "--samples-from",
            str(out),
            "--answers",
            broken,
            "--out",
            str(self.home / "d"),
            says="broken.jsonl:2: the id 'x'",
        )

    def test_perplexity_by_position(self):
        books = self.home / "books"
        books.mkdir()
        for seed in (1, 2):
            (books / f"{seed}.txt").write_text(prose(seed, 900), encoding="utf-8")
        (books / "short.txt").write_text("Too short.", encoding="utf-8")
        out = self.home / "run"
        base = ("eval", "--tasks", "ppl", "--data", f"books={books}", "--samples", "2", "--out", str(out))
        done = self.tome(*base, "--lengths", "512,1024")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("short.txt", done.stderr)
        rows = {(row["task"], row["length"]): row for row in self.results(out)}
        self.assertEqual(set(rows), {(f"ppl/{mode}", length) for mode in ("full", "sliding") for length in (512, 1024)})
        self.assertTrue(all(row["n"] == 2 and row["low"] <= row["score"] <= row["high"] for row in rows.values()))
        alone = self.good_json("perplexity", str(books / "1.txt"), "--context", "512")
        lines = [json.loads(line) for line in (out / "positions.jsonl").read_text(encoding="utf-8").splitlines()]
        full = next(line for line in lines if (line["text"], line["length"], line["mode"]) == ("1.txt", 512, "full"))
        self.assertAlmostEqual(full["loss"], alone["loss"], places=6)
        self.wrong(*base[:-1], str(self.home / "b"), "--lengths", "8k", says="the window has 4096")

    def test_a_service_needs_a_name(self):
        base = ("eval", "--tasks", "lines", "--lengths", "800", "--samples", "1", "--out", str(self.home / "a"))
        self.wrong(*base, "--api", "openai", says="--api-model")
        self.wrong(*base, "--api", "openai", "--api-model", "m", "--answers", "x", says="--answers: goes without --api")


if __name__ == "__main__":
    unittest.main()
