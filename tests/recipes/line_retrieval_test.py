"""The lists of recipes/line_retrieval.py, and that its evaluation asks every question once."""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "recipes" / "line_retrieval.py"
sys.path.insert(0, str(SCRIPT.parent))
import line_retrieval  # noqa: E402

# Stands in for tome: answers each question with the line of the list that the asked id stands in.
FAKE = """
import json, pathlib, sys
document = pathlib.Path(sys.argv[2]).read_text()
with open(sys.argv[sys.argv.index("--store") + 1] + "-calls", "a") as calls: calls.write("read\\n")
for question in sys.stdin:
    name = question.rstrip("?\\n").split()[-1]
    line = next(line for line in document.splitlines() if name in line)
    print(json.dumps({"answer": line, "tokens": {"document": 7}, "seconds": {"read": 1}}), flush=True)
"""


def rows(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


class LineRetrievalTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = Path(folder.name)

    def call(self, *arguments):
        return subprocess.run([sys.executable, "-B", SCRIPT, *arguments], capture_output=True, text=True, check=True).stdout

    def lists(self, kind, *more):
        self.call(kind, "--tokens", "700-1000", "--lists", "12", "--out", str(self.home / f"{kind}.jsonl"), *more)
        return rows(self.home / f"{kind}.jsonl")

    def test_every_answer_stands_once_in_the_line_of_its_id(self):
        for kind in ("train", "test"):
            for row in self.lists(kind):
                lines = row["document"].splitlines()
                self.assertEqual(len(lines), row["lines"])
                self.assertEqual(len({q["question"] for q in row["questions"]}), 16)
                for question in row["questions"]:
                    words = question["question"].rstrip("?").split()
                    found = [line for line in lines if any("-" in word and word in line for word in words)]
                    self.assertEqual(len(found), 1, question)
                    self.assertTrue(line_retrieval.right(found[0], question["answer"]), question)

    def test_a_seed_decides_all(self):
        self.assertEqual(self.lists("train", "--seed", "3"), self.lists("train", "--seed", "3"))
        self.assertNotEqual(self.lists("train", "--seed", "3"), self.lists("train", "--seed", "4"))

    def test_training_and_test_share_no_id_and_no_wording(self):
        pairs = {kind: set(line_retrieval.ids(kind, line_retrieval.random.Random(1), 6000)) for kind in ("train", "test")}
        self.assertFalse(pairs["train"] & pairs["test"])
        self.assertFalse(set(line_retrieval.TRAIN_WORDINGS) & set(line_retrieval.TEST_WORDINGS))

    def test_only_the_one_number_asked_for_is_right(self):
        for said in ("40721", " a card 40721.", "40,721 crates", "40721\nQuestion: 3"):
            self.assertTrue(line_retrieval.right(said, "40721"), said)
        for said in ("", "a story", "407211", "4072", "18263 or 40721", "no\n40721"):
            self.assertFalse(line_retrieval.right(said, "40721"), said)

    def test_an_evaluation_goes_on_where_it_stopped(self):
        asked = self.lists("test", "--questions", "5")
        (self.home / "fake.py").write_text(FAKE)
        cache = self.home / "cache.jsonl"
        command = ["evaluate", "--label", "fake", "--tome", f"{sys.executable} {self.home / 'fake.py'}",
                   "--cache", str(cache), str(self.home / "test.jsonl")]
        self.call(*command)
        whole = cache.read_text()
        self.assertEqual(len(whole.splitlines()), sum(len(row["questions"]) for row in asked))
        self.assertTrue(all(row["right"] for row in rows(cache)))
        cache.write_text("".join(whole.splitlines(keepends=True)[:7]))
        self.call(*command)
        self.assertEqual(cache.read_text(), whole)
        self.assertIn("| 12 | 60 | 60 | 100 % | 94-100 % |", self.call("table", "--cache", str(cache)))


if __name__ == "__main__":
    unittest.main()
