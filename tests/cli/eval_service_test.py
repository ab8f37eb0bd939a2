#!/usr/bin/env python3
"""`tome eval --api` and `--judge` from outside, against a service on this machine that behaves well or badly."""

import json
import unittest
from pathlib import Path

from model_service import KEY, ModelService
from program import ProgramTest


class EvalService(ProgramTest):
    LINES = ("eval", "--tasks", "lines", "--lengths", "600", "--samples", "4")
    PRICES = json.dumps({"m": {"input": 100, "output": 1000}})  # an answer costs 0.02 dollars

    def service(self, **options) -> ModelService:
        service = ModelService(**options)
        self.addCleanup(service.close)
        return service

    def command(self, service: ModelService, out: Path, *more: str, api: str = "openai") -> tuple[str, ...]:
        return (*self.LINES, "--api", api, "--url", service.url, "--api-model", "m", "--out", str(out), *more)

    def rows(self, folder: Path) -> list[dict]:
        rows = json.loads((folder / "results.json").read_text(encoding="utf-8"))
        return [row for row in rows if row["depth"] is None]

    def lines(self, path: Path) -> list[dict]:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def counts(self, folder: Path) -> tuple:
        row = self.rows(folder)[0]
        return row["n"], row["errors"], row["missing"], row["score"]

    def test_each_protocol_gets_its_questions_and_its_answers_are_scored(self):
        variables = {
            "openai": "OPENAI_API_KEY",
            "openai-completions": "OPENAI_API_KEY",
            "anthropic": "ANTHROPIC_API_KEY",
        }
        paths = {"openai": "/v1/chat/completions", "openai-completions": "/v1/completions", "anthropic": "/v1/messages"}
        for api, variable in variables.items():
            with self.subTest(api=api):
                service = self.service()
                out = self.home / api
                table = self.good(*self.command(service, out, api=api), **{variable: KEY})
                self.assertIn("| lines | m | 1.00 ", table)
                self.assertEqual(self.counts(out), (4, 0, 0, 1))
                self.assertEqual([path for path, _, _ in service.calls], [paths[api]] * 4)
                headers = {name.lower(): value for name, value in service.calls[0][1].items()}
                self.assertIn(KEY, headers["x-api-key" if api == "anthropic" else "authorization"])
                row = self.rows(out)[0]
                self.assertEqual((row["answerer"], row["prompt_tokens"], row["answer_tokens"]), ("m", 400, 40))
                self.assertEqual(row["run"]["api"], api)

    def test_a_wrong_answer_is_wrong(self):
        service = self.service(answer=lambda prompt: "It is 7.")
        self.good(*self.command(service, self.home / "run"))
        self.assertEqual(self.counts(self.home / "run"), (4, 0, 0, 0))

    def test_it_goes_on_without_asking_again(self):
        service = self.service()
        out = self.home / "run"
        command = self.command(service, out)
        self.good(*command)
        self.good(*command)
        self.assertEqual(len(service.calls), 4)
        path = out / "answers" / "whole.jsonl"
        kept = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(kept[:3]) + kept[3][:9], encoding="utf-8")
        self.good(*command)
        self.assertEqual(len(service.calls), 5)
        self.assertEqual(self.counts(out), (4, 0, 0, 1))
        other = self.command(self.service(), out)
        self.wrong(*other, says="holds what another answerer said (url: ")

    def test_trouble_that_passes_is_tried_again(self):
        troubles = ["busy", "broken", "half", "wrong JSON"]
        service = self.service(
            misbehave=lambda path, request, attempt: troubles[len(service.attempts) - 1] if attempt == 1 else None
        )
        out = self.home / "run"
        self.good(*self.command(service, out))
        self.assertEqual(self.counts(out), (4, 0, 0, 1))
        self.assertEqual(len(service.calls), 8)
        self.assertGreaterEqual(service.times[1] - service.times[0], 0.95)  # Retry-After
        raw = [json.loads(path.read_text(encoding="utf-8")) for path in (out / "raw").iterdir()]
        self.assertEqual(sorted(one["status"] for one in raw), [200] * 6 + [429, 500])

    def test_trouble_that_stays_is_counted_and_tried_on_the_next_start(self):
        for trouble, says in (
            ("broken", "500"),
            ("half", ""),
            ("wrong JSON", 'no "choices"'),
            ("slow", ""),
            ("refused", "400"),
        ):
            with self.subTest(trouble=trouble):
                bad = [trouble]
                service = self.service(misbehave=lambda path, request, attempt, bad=bad: bad[0] if bad else None)
                out = self.home / trouble.replace(" ", "-")
                command = self.command(service, out, "--retries", "0", "--timeout", "1", "--concurrency", "4")
                self.good(*command, OPENAI_API_KEY=KEY)
                self.assertEqual(self.counts(out), (0, 4, 0, None))
                answers = self.lines(out / "answers" / "whole.jsonl")
                self.assertTrue(all(says in answer["error"] and answer["error"] for answer in answers), answers)
                bad.clear()
                self.good(*command, OPENAI_API_KEY=KEY)
                self.assertEqual(self.counts(out), (4, 0, 0, 1))
                self.assertEqual(len(service.calls), 8)

    def test_who_is_refused_is_told(self):
        service = self.service(misbehave=lambda path, request, attempt: "stranger" if len(service.calls) > 2 else None)
        out = self.home / "run"
        error = self.wrong(*self.command(service, out), says="the server says 401", OPENAI_API_KEY=KEY)
        self.assertNotIn(KEY, error)
        self.assertEqual(len(self.lines(out / "answers" / "whole.jsonl")), 2)

    def test_the_key_is_in_no_file(self):
        service = self.service(
            answer=lambda prompt: f"Your key is {KEY}.",
            misbehave=lambda path, request, attempt: "broken" if attempt == 1 else None,
        )
        out = self.home / "run"
        judge = ("--judge", "--judge-tasks", "lines", "--judge-url", service.url, "--judge-model", "j")
        done = self.tome(*self.command(service, out, *judge), OPENAI_API_KEY=KEY)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn(KEY, done.stdout + done.stderr)
        files = [path for path in out.rglob("*") if path.is_file()]
        self.assertGreater(len(files), 15)
        for path in files:
            self.assertNotIn(KEY.encode(), path.read_bytes(), path)
        self.assertTrue(any(b"[key]" in path.read_bytes() for path in files))

    def test_costs_are_agreed_on_and_limited(self):
        service = self.service()
        out = self.home / "run"
        command = self.command(service, out, "--prices", self.file("prices.json", self.PRICES))
        self.wrong(*command, says="give --yes to go on, or --cost-limit DOLLARS")
        self.assertEqual(service.calls, [])
        self.wrong(*command, "--cost-limit", "0.03", "--quiet", says="2 of 4 are kept")
        self.assertEqual(len(service.calls), 2)
        self.assertEqual(self.counts(out), (2, 0, 2, 1))
        self.wrong(*command, "--cost-limit", "0.04", "--quiet", says="--cost-limit is 0.04")
        self.assertEqual(len(service.calls), 2)
        done = self.tome(*command, "--yes")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(
            done.stderr, r"this run costs about \$0\.\d\d for \d+ tokens of text and at most 128 of answers"
        )
        self.assertEqual(len(service.calls), 4)
        self.assertAlmostEqual(self.rows(out)[0]["cost"], 0.08)
        self.good(*command)  # nothing is left to pay for

    def test_the_limit_counts_all_views(self):
        service = self.service()
        out = self.home / "run"
        command = self.command(service, out, "--no-document", "--prices", self.file("prices.json", self.PRICES))
        self.wrong(*command, "--cost-limit", "0.11", "--quiet", says="--cost-limit is 0.11")
        self.assertEqual(len(service.calls), 6)

    def test_passages_by_embeddings(self):
        service = self.service()
        out = self.home / "run"
        search = ("--retrieve", "embeddings", "--embeddings-url", service.url, "--embeddings-model", "e")
        command = self.command(service, out, *search, "--passages", "2", "--passage-tokens", "120")
        self.good(*command)
        embedded, asked = service.asked("/embeddings"), service.asked("/chat/completions")
        self.assertEqual({request["model"] for request in embedded}, {"e"})
        self.assertEqual(len(asked), 8)
        lengths = sorted(len(request["messages"][0]["content"]) for request in asked)
        self.assertLess(lengths[3], lengths[4] * 0.8)
        rows = {row["view"]: row for row in self.rows(out)}
        self.assertEqual(rows["embeddings-2x120"]["answerer"], "m + embeddings 2 x 120")
        self.assertEqual((rows["whole"]["score"], rows["embeddings-2x120"]["score"]), (1, 1))
        before = len(service.calls)
        self.good(*command)
        self.assertEqual(len(service.calls), before)

    def test_a_judge_stands_beside_the_exact_match(self):
        service = self.service(answer=lambda prompt: "Yes." if "Verdict:" in prompt else "a number in words")
        out = self.home / "run"
        judge = ("--judge", "--judge-tasks", "lines", "--judge-url", service.url, "--judge-model", "j")
        command = self.command(service, out, *judge)
        table = self.good(*command)
        self.assertIn("| lines (judged) | m | 1.00 ", table)
        self.assertEqual(
            [(row["task"], row["n"], row["score"]) for row in self.rows(out)],
            [("lines", 4, 0), ("lines (judged)", 4, 1)],
        )
        self.assertEqual(self.rows(out)[1]["judge"]["model"], "j")
        asked = [request for request in service.asked() if request["model"] == "j"]
        self.assertEqual(len(asked), 4)
        self.assertIn("a number in words", asked[0]["messages"][0]["content"])
        self.assertNotIn("has the number", asked[0]["messages"][0]["content"])
        verdicts = self.lines(out / "judged" / "whole.jsonl")
        self.assertEqual([(one["verdict"], one["text"]) for one in verdicts], [("yes", "Yes.")] * 4)
        self.good(*command)
        self.assertEqual(len(service.calls), 8)
        for name in ("report.md", "report.html"):
            self.assertIn("lines (judged)", (out / name).read_text(encoding="utf-8"))
        local = self.home / "local"
        self.good("eval", "--samples-from", str(out), *judge, "--out", str(local))
        compared = self.good("eval", "compare", str(out), str(local))
        self.assertRegex(compared, r"\| lines \(judged\) \| 600 \| m \| tiny \| 4 \|")
        self.wrong(*self.command(service, out, *judge[:-1], "k"), says="holds what another judge said")

    def test_a_judge_needs_a_name_and_something_to_judge(self):
        service = self.service()
        self.wrong(*self.command(service, self.home / "a", "--judge"), says="--judge-model")
        self.wrong(*self.command(service, self.home / "b", "--judge", "--judge-model", "j"), says="--judge-tasks")
        self.assertEqual(service.calls, [])

    def test_a_judges_cost_counts_too(self):
        service = self.service()
        prices = self.file(
            "prices.json", json.dumps({"m": {"input": 0, "output": 0}, "j": {"input": 100, "output": 1000}})
        )
        judge = ("--judge", "--judge-tasks", "lines", "--judge-url", service.url, "--judge-model", "j")
        command = self.command(service, self.home / "run", "--prices", prices, *judge)
        self.wrong(*command, says="this run costs about $0.")
        self.wrong(*command, "--cost-limit", "0.03", "--quiet", says="2 of 4 are kept")
        self.good(*command, "--yes")
        judged = self.rows(self.home / "run")[1]
        self.assertEqual((judged["n"], judged["unclear"], judged["score"]), (4, 4, 0))
        self.assertAlmostEqual(judged["cost"], 0.08)


if __name__ == "__main__":
    unittest.main()
