#!/usr/bin/env python3
"""tome data from outside: figures against a slow count of the same rows, findings, and rows that are built."""

import json
import math
import random
import re
import threading
import unittest
from http.server import BaseHTTPRequestHandler, HTTPServer

from program import ROOT, ProgramTest

WORDS = ["the", "ferry", "in", "her", "boat", "crossed", "a", "wide", "river", "while", "nobody", "looked", "at", "all", "towards", "far", "hills"]


def row(dice: random.Random, number: int) -> dict:
    text = " ".join(dice.choice(WORDS) for _ in range(int(10 * 400 ** dice.random())))
    marks = {"source": dice.choice(["made", "other"]), "licence": "CC0-1.0"}
    if number % 7 == 0:
        return {"text": text + " é"} | marks
    if number % 7 == 1:
        return {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": "Yes."}]}
    asked = [{"question": f"Which {i}?", "answer": dice.choice([*WORDS, "absent one"])} for i in range(dice.randint(1, 5))]
    return {"document": text, "questions": asked} | marks


def summary(values: list[int]) -> dict:
    ordered = sorted(values)
    rank = {share: ordered[max(1, math.ceil(share * len(ordered))) - 1] for share in (0.25, 0.5, 0.75)}
    return {"count": len(ordered), "sum": sum(ordered), "min": ordered[0], "max": ordered[-1], "mean": sum(ordered) / len(ordered),
            "q1": rank[0.25], "median": rank[0.5], "q3": rank[0.75]}  # fmt: skip


def measures(texts: list[str]) -> dict:
    return {"bytes": summary([len(t.encode()) for t in texts]), "characters": summary([len(t) for t in texts]),
            "words": summary([len(re.findall(r"[^ \t\n\v\f\r]+", t)) for t in texts])}  # fmt: skip


class DataTest(ProgramTest):
    def rows_file(self, name: str, rows: list[dict]) -> str:
        return self.file(name, "".join(json.dumps(r) + "\n" for r in rows))


class Stats(DataTest):
    def setUp(self):
        super().setUp()
        dice = random.Random(11)
        self.rows = [row(dice, i) for i in range(300)]
        self.path = self.rows_file("rows.jsonl", self.rows)

    def assert_measures(self, got: dict, texts: list[str]):
        for unit, expected in measures(texts).items():
            for name, value in expected.items():
                within = value / 1024 if name in ("q1", "median", "q3") and value >= 2048 else 1e-9
                self.assertAlmostEqual(got[unit][name], value, delta=within, msg=f"{unit} {name}")
            self.assertEqual(sum(bar["count"] for bar in got[unit]["histogram"]), expected["count"])

    def test_figures_are_those_of_a_slow_count(self):
        got = self.good_json("data", "stats", self.path)
        asked = [(r["document"], q) for r in self.rows for q in r.get("questions", [])]
        chats = [r["messages"] for r in self.rows if "messages" in r]
        documents = [r["document"] if "document" in r else r["text"] for r in self.rows if "messages" not in r]
        questions = [q["question"] for _, q in asked] + [m[0]["content"] for m in chats]
        answers = [q["answer"] for _, q in asked] + [m[1]["content"] for m in chats]
        self.assert_measures(got["documents"], documents)
        self.assert_measures(got["questions"], questions)
        self.assert_measures(got["answers"], answers)
        depth, absent = [0] * 10, 0
        for document, question in asked:
            at = document.find(question["answer"])
            if at < 0:
                absent += 1
            else:
                depth[at * 10 // len(document)] += 1
        self.assertEqual((got["depth"], got["absent"]), (depth, absent))
        self.assertEqual(got["shapes"]["questions"], sum("document" in r for r in self.rows))
        targets = sum(len(a.encode()) for a in answers) + sum(len(r["text"].encode()) for r in self.rows if "text" in r)
        self.assertEqual(got["target_bytes"], targets)
        self.assertEqual(got["sources"]["values"]["made"], sum(r.get("source") == "made" for r in self.rows))
        self.assertEqual(got["licences"], {"values": {"CC0-1.0": 300 - len(chats)}, "none": len(chats), "others": 0})

    def test_threads_and_order_of_files_change_nothing(self):
        one = self.good_json("data", "stats", self.path, "-t", "1")
        self.assertEqual(one, self.good_json("data", "stats", self.path, "-t", "2"))

    def test_tokens(self):
        got = self.good_json("data", "stats", self.path, "-m", "tiny")
        said = [r["document"] if "document" in r else r["text"] for r in self.rows if "messages" not in r]
        longest = self.file("longest.txt", max(said, key=len))
        self.assertEqual(got["documents"]["tokens"]["max"], int(self.good("tokenize", longest, "--count")))
        self.assertLess(got["target_tokens"], got["all_tokens"])

    def test_terminal_and_page(self):
        page = self.home / "stats.html"
        text = self.good("data", "stats", self.path, "--html", str(page))
        self.assertIn("300 rows in 1 file", text)
        self.assertIn("█", text)
        html = page.read_text()
        self.assertIn("Where answers stand", html)
        self.assertNotRegex(html, r"<script|src=|https?://")
        self.wrong("data", "stats", self.path, "--html", str(page), says="is there already")

    def test_broken_lines_are_counted_and_named(self):
        path = self.file("bad.jsonl", '{"text": "a"}\nnot json\n{"text": ""}\n')
        done = self.tome("data", "stats", path, "--json")
        self.assertEqual((done.returncode, json.loads(done.stdout)["broken"]), (0, 2))
        self.assertIn("bad.jsonl:2: not valid JSON", done.stderr)
        array = self.file("array.json", '[{"text": "a"}]')
        self.wrong("data", "stats", array, says="jq -c")


class Check(DataTest):
    def setUp(self):
        super().setUp()
        dice = random.Random(2)
        self.rows = [
            {"document": f"{i} " + " ".join(str(dice.randrange(10**6)) for _ in range(50)), "question": f"Which of {i}?",
             "answer": "This one.", "licence": "CC0-1.0"} for i in range(20)]  # fmt: skip

    def test_a_clean_set(self):
        path = self.rows_file("rows.jsonl", self.rows)
        self.assertIn("20 rows, nothing found", self.good("data", "check", path))
        self.assertTrue(self.good_json("data", "check", path)["clean"])

    def test_findings_have_their_lines_and_exit_code_3(self):
        self.rows[4]["answer"] = "and then,"
        self.rows[6] = self.rows[2]
        del self.rows[8]["licence"]
        path = self.rows_file("rows.jsonl", self.rows)
        with open(path, "a") as more:
            more.write("{broken\n")
        done = self.tome("data", "check", path, "--json")
        self.assertEqual((done.returncode, done.stderr), (3, ""))
        got = json.loads(done.stdout)
        self.assertEqual(got["counts"], {"broken": 1, "cut-answer": 1, "duplicate": 1, "no-licence": 1})
        places = {finding["fault"]: finding["place"].rsplit(":", 1)[1] for finding in got["findings"]}
        self.assertEqual(places, {"broken": "21", "cut-answer": "5", "duplicate": "7", "no-licence": "9"})
        said = self.tome("data", "check", path)
        self.assertEqual((said.returncode, said.stderr), (3, ""))
        self.assertRegex(said.stdout, r"duplicate: 1\n  .*rows.jsonl:7: is the row of .*rows.jsonl:3\n")
        self.good("data", "check", path, "--ignore", "broken,cut-answer,duplicate,no-licence")
        self.wrong("data", "check", path, "--ignore", "nothing", says="there are broken, empty-answer")

    def test_leaks(self):
        path = self.rows_file("rows.jsonl", self.rows)
        test = self.rows_file("test.jsonl", [{**self.rows[3], "question": "Another thing that is asked about?"}])
        done = self.tome("data", "check", path, "--against", test, "--json")
        self.assertEqual(done.returncode, 3)
        self.assertEqual(json.loads(done.stdout)["counts"], {"leaked-document": 1})
        self.wrong("data", "check", path, "--against", self.file("no.jsonl", "{}\n"), says="no line of")

    def test_leaks_of_evaluation_sets(self):
        asked = json.loads((ROOT / "eval_sets/novels.jsonl").read_text().splitlines()[0])
        self.rows[5] |= {"question": asked["question"], "answer": asked["answers"][-1]}
        bench = {"context": self.rows[9]["document"], "input": "What?", "answers": ["So"], "_id": "1"}
        path, test = self.rows_file("rows.jsonl", self.rows), self.rows_file("bench.jsonl", [bench])
        done = self.tome("data", "check", path, "--against", str(ROOT / "eval_sets/novels.jsonl"), test, "--json")
        self.assertEqual((done.returncode, done.stderr), (3, ""))
        got = json.loads(done.stdout)
        self.assertEqual(got["counts"], {"leaked-question": 1, "leaked-document": 1})
        places = {finding["fault"]: finding["place"].rsplit(":", 1)[1] for finding in got["findings"]}
        self.assertEqual(places, {"leaked-question": "6", "leaked-document": "10"})


class Build(DataTest):
    def setUp(self):
        super().setUp()
        (self.home / "books").mkdir()
        for book in "ab":
            said = "\n\n".join(f"The traveller {i} of book {book} went along the old road to the mill." for i in range(200))
            self.file(f"books/{book}.txt", said)
        self.arguments = ["data", "build", "--books", str(self.home / "books"), "--mix", "keys=2,order=1", "--rows", "6",
                          "--tokens", "2000-4000", "--licence", "CC0-1.0"]  # fmt: skip

    def test_the_same_seed_gives_the_same_bytes(self):
        a, b, c = (self.home / f"{name}.jsonl" for name in "abc")
        said = self.good_json(*self.arguments, "-o", str(a))
        self.assertEqual(said["sources"], {"keys": 4, "order": 2})
        self.good(*self.arguments, "-o", str(b))
        self.good(*self.arguments, "-o", str(c), "--seed", "2")
        self.assertEqual(a.read_bytes(), b.read_bytes())
        self.assertNotEqual(a.read_bytes(), c.read_bytes())
        for line in a.read_text().splitlines():
            row = json.loads(line)
            text = self.file("document.txt", row["document"])
            self.assertEqual(row["tokens"], int(self.good("tokenize", text, "--count")))
            self.assertTrue(2000 <= row["tokens"] <= 4000)
            self.assertEqual(row["licence"], "CC0-1.0")
        self.assertEqual(self.good_json("data", "stats", str(a))["rows"], 6)

    def test_what_is_refused(self):
        out = self.home / "out.jsonl"
        self.wrong(*self.arguments[:-4], "--tokens", "500k-600k", "-o", str(out), says="fewer than the")
        self.wrong("data", "build", "--mix", "order", "--rows", "1", "-o", str(out), says="needs --books")
        self.wrong("data", "build", "--mix", "quality", "-o", str(out), says="needs --data quality=PATH")
        self.wrong("data", "build", "-o", str(out), says="needs --mix or --write-questions")
        self.wrong("data", "build", "--mix", "novel", "--rows", "1", "-o", str(out), says="lines, topics, needle, ruler")
        task = ["data", "build", "--mix", "needle", "--rows", "1", "--tokens", "2k-3k", "-o", str(out)]
        self.wrong(*task, "--set", "needle.count=x", says="whole number")
        self.wrong(*task, "--set", "needles.count=1", says="no task")
        self.wrong(*task, "--set", "needle", says="TASK.SETTING=VALUE")
        self.assertEqual(sorted(path.name for path in self.home.glob("out*")), [])

    def test_tasks_with_settings_and_data(self):
        out = self.home / "tasks.jsonl"
        hay = self.file("hay.txt", " ".join(f"The heron number {i} stood in the reeds." for i in range(900)))
        task = ["data", "build", "--mix", "needle=2,lines=1,ruler/vt=1", "--rows", "8", "--tokens", "3000-5000", "-o", str(out)]
        said = self.good_json(*task, "--questions", "2", "--set", "needle.count=3", "--data", f"haystack={hay}")
        self.assertEqual(said["sources"], {"needle": 4, "lines": 2, "ruler/vt": 2})
        rows = [json.loads(line) for line in out.read_text().splitlines()]
        for row in rows:
            self.assertTrue(3000 <= row["tokens"] <= 5000)
            if row["source"] == "needle":
                self.assertIn("heron", row["document"])
                self.assertEqual(len(row["questions"]), 2)
                for question in row["questions"]:
                    numbers = question["answer"].split(", ")
                    self.assertEqual(len(numbers), 3)
                    self.assertTrue(all(number in row["document"] for number in numbers))


def chat_reply(prompt: str) -> str:
    """A model that writes five questions, of which one needs the whole text."""
    if "Write 5 questions" in prompt:
        return "1. Which colour? | red\n2. Which day? | Monday\n3. Which fish? | pike\n4. Which king? | Otto\nThat is all."
    question = prompt[prompt.rindex("Which ") :]
    whole = "THE BEGINNING" in prompt and "THE END" in prompt
    if question.startswith("Which day"):
        return "Monday"  # always
    if question.startswith("Which fish"):
        return "a pike" if "fish" in prompt.replace(question, "") else "none"
    if question.startswith("Which colour"):
        return "It was red." if whole else "nobody knows"
    return "nobody knows"


class ChatService(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = chat_reply("\n".join(message["content"] for message in body["messages"]))
        reply = {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
                 "usage": {"prompt_tokens": 10, "completion_tokens": 2}}  # fmt: skip
        said = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


class WriteQuestions(DataTest):
    def setUp(self):
        super().setUp()
        middle = "\n\n".join(f"The boat number {i} went down the river to the mill." for i in range(150))
        self.text = f"THE BEGINNING of it.\n\n{middle}\n\nA fish was caught.\n\n{middle}\n\nTHE END of it."
        self.path = self.file("book.txt", self.text)
        self.out = self.home / "written.jsonl"
        self.command = ["data", "build", "--write-questions", self.path, "--licence", "CC0-1.0", "-o", str(self.out)]

    def service(self) -> list[str]:
        server = HTTPServer(("127.0.0.1", 0), ChatService)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return ["--api", "openai", "--url", f"http://127.0.0.1:{server.server_port}", "--api-model", "m", "--questions", "5"]

    def test_each_question_falls_at_its_test(self):
        got = self.good_json(*self.command, *self.service(), "--passage-tokens", "64")
        counts = {name: got[name] for name in ("unusable", "known_without", "found_in_passages", "not_confirmed", "failed")}
        self.assertEqual(counts, {"unusable": 1, "known_without": 1, "found_in_passages": 1, "not_confirmed": 1, "failed": 0})
        self.assertEqual((got["texts"], got["rows"], got["questions"]), (1, 1, 1))
        row = json.loads(self.out.read_text())
        self.assertEqual(row["questions"], [{"question": "Which colour?", "answer": "red"}])
        self.assertEqual(row["tokens"], int(self.good("tokenize", self.file("d.txt", row["document"]), "--count")))
        self.assertEqual((row["source"], row["licence"], row["document_id"]), ("written", "CC0-1.0", "book.txt"))
        self.assertEqual(self.good_json("data", "stats", str(self.out))["rows"], 1)
        self.wrong(*self.command, says="is there already")

    def nothing_kept(self, *arguments: str) -> str:
        done = self.tome(*self.command, *arguments, "-q")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("no question passed every test", done.stderr)
        self.assertEqual(sorted(path.name for path in self.home.glob("written*.jsonl")), [])
        return done.stdout

    def test_long_texts_are_cut_and_thresholds_count(self):
        service = self.service()
        said = self.nothing_kept(*service, "--tokens", "1k-4k")
        self.assertRegex(said, r"answered without the text: [2-9]")  # of each stretch
        self.assertIn("answered without the text: 4\n", self.nothing_kept(*service, "--right", "0"))

    def test_a_model_here_and_what_is_refused(self):
        said = self.nothing_kept("--tokens", "100-500", "--questions", "1")
        self.assertRegex(said, r"^\d+ texts read\n")
        self.assertEqual(sorted(path.name for path in self.home.glob("written*")), [])
        self.wrong(*self.command, "--mix", "keys", says="one of them")
        self.wrong(*self.command, "--tokens", "500k", says="no text of at least")
        self.wrong(*self.command, "--api", "openai", says="--api-model")


if __name__ == "__main__":
    unittest.main()
