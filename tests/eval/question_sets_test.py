"""The question sets of eval_sets/: their checks, and that these score as the program does."""

import json
import os
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "eval_sets"))
import check  # noqa: E402
import check_detective  # noqa: E402

STORY = ROOT / "eval_sets" / "detective" / "the-blue-house-at-tannick-weir.jsonl"


class QuestionSetsTest(unittest.TestCase):
    def test_verdicts_of_the_shared_list(self):
        # tests/eval/accepted_answer_test.cc asks the program the same.
        for row in json.loads((ROOT / "tests/golden/accepted_answers.json").read_text(encoding="utf-8")):
            with self.subTest(row):
                self.assertEqual(check.accepted(row["output"], row["answers"]), row["accepted"])

    def test_our_story(self):
        rows, faults = check_detective.check_file(STORY, None)
        self.assertEqual(faults, [])
        self.assertGreaterEqual(len(rows), 12)

    def test_the_novels(self):
        books = Path(os.environ.get("TOME_DATA", ""), "books")
        if not os.environ.get("TOME_DATA") or not books.is_dir():
            self.skipTest("set TOME_DATA to a folder whose folder books holds the novels of eval_sets/README.md")
        for path in sorted(STORY.parent.glob("*.jsonl")):
            with self.subTest(path.name):
                rows, faults = check_detective.check_file(path, books)
                self.assertEqual(faults, [])
                self.assertTrue(8 <= len(rows) <= 16, len(rows))

    def test_faults_are_found(self):
        text = b"The cook did it." + b" Nobody knew." * 60 + b" The key was in the jam."
        good = {"text": "a.txt", "question": "Who did it?", "answers": ["the cook"], "where": 0, "kind": "who"}
        self.assertEqual(list(check_detective.field_faults(good)), [])
        self.assertEqual(list(check_detective.row_faults(good, text)), [])
        for changed in [{"kind": "when"}, {"where": 3}, {"where": 700}, {"where": 10**6}, {"question": "Who"},
                        {"question": "Was it the cook?"}, {"answers": []}, {"answers": ["the maid"]}]:
            with self.subTest(changed):
                self.assertTrue(list(check_detective.row_faults({**good, **changed}, text)))
        for changed in [{"book": "b.txt"}, {"where": "0"}, {"kind": None}, {"colour": "red"}]:
            with self.subTest(changed):
                self.assertTrue(list(check_detective.field_faults({**good, **changed})))


if __name__ == "__main__":
    unittest.main()
