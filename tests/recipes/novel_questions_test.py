"""What recipes/novel_questions.py asks about a text of our own, and that each answer is the only one."""

import json
import random
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "recipes" / "novel_questions.py"
sys.path.insert(0, str(SCRIPT.parent))
import novel_questions  # noqa: E402

NAMES = {"Hester", "Tolliver", "Marlow"}
TEXT = """"I never saw the ledger before tonight," said Hester, and she put it down. Tolliver opened the iron
box. Hester crossed the yard with a lantern in her hand. There were seven sacks by the wall, and a green
shutter was open. He had gone back to Marlow; on that night the ferry left at nine o'clock, and nobody spoke."""


def asked(template, text=TEXT):
    flat = novel_questions.flat(text)
    return {q: a for q, a, clue in template(flat, NAMES) if novel_questions.proved(flat, q, a, clue, template)}


class NovelQuestionsTest(unittest.TestCase):
    def test_each_template_finds_what_the_text_says(self):
        t = novel_questions
        self.assertEqual(asked(t.who_said), {'Who said "I never saw the ledger before tonight"?': "Hester"})
        self.assertEqual(asked(t.who_did)["Who crossed the yard with a lantern in her hand?"], "Hester")
        self.assertEqual(asked(t.did_what), {"What did Tolliver open?": "the iron box", "What did Hester cross?": "the yard"})
        self.assertEqual(asked(t.how_many), {"How many sacks are mentioned?": "seven"})
        self.assertEqual(asked(t.what_colour), {"What colour was the shutter?": "green"})
        self.assertEqual(list(asked(t.when).values()), ["at nine o'clock"])
        self.assertIn("Marlow", asked(t.which_name).values())

    def test_reasons_are_asked_with_their_whole_clause(self):
        text = ("He was tired. Mrs. Tolliver stayed at home because she knew that Mr. Marlow was ill; the ferry was late, and the men "
                "waited because the tide was out. It was only because he called that Hester came. Nobody slept because of it.")
        self.assertEqual(asked(novel_questions.why, text), {
            "Why is it that Mrs. Tolliver stayed at home?": "because she knew that Mr. Marlow was ill",
            "Why is it that the men waited?": "because the tide was out"})

    def test_rare_kinds_of_questions_come_first(self):
        text = TEXT + " " + " ".join(f"The boat number {i} went slowly down the grey river towards the town of Marlow." for i in range(9))
        for seed in range(10):
            kinds = [row["type"] for row in novel_questions.ask_about(text, NAMES, 4, random.Random(seed))]
            self.assertEqual(len(kinds), 4)
            self.assertFalse(set(kinds) & set(novel_questions.LARGEST), kinds)

    def test_what_stands_twice_is_not_asked(self):
        twice = TEXT + " Tolliver crossed the yard with a lantern in her hand. Tolliver opened the letter. Three sacks fell."
        self.assertNotIn("Who crossed the yard with a lantern in her hand?", asked(novel_questions.who_did, twice))
        self.assertNotIn("What did Tolliver open?", asked(novel_questions.did_what, twice))
        self.assertEqual(asked(novel_questions.how_many, twice + " The sacks. Two sacks."), {})

    def test_who_speaks_or_acts_must_be_a_name_of_the_book(self):
        self.assertEqual(asked(novel_questions.who_did, "Nobody crossed the yard with a lantern in her hand."), {})

    def test_novels_that_measure_are_refused_under_any_name(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, title in (("a.txt", "TREASURE ISLAND"), ("the-time-machine.txt", "Untitled")):
                with self.subTest(name):
                    path = Path(folder) / name
                    path.write_text(f"{title}\n\n{TEXT}\n")
                    done = subprocess.run([sys.executable, "-B", SCRIPT, folder, "--show"], capture_output=True, text=True)
                    self.assertNotEqual(done.returncode, 0)
                    self.assertIn("measures with", done.stderr)
                    path.unlink()

    def test_plain_rows_are_text_alone_and_the_same_every_time(self):
        with tempfile.TemporaryDirectory() as folder:
            story = "\n\n".join(f"Paragraph {i}. " + "Then Hester met Tolliver, and Hester saw Marlow. " * 9 for i in range(30))
            (Path(folder) / "own.txt").write_text(f"A Story\n\n{story}\n")
            outs = [Path(folder) / name for name in ("a.jsonl", "b.jsonl")]
            for out in outs:
                command = [sys.executable, "-B", SCRIPT, folder, "--plain", "7", "--words", "100-200", "--out", out]
                subprocess.run(command, check=True, capture_output=True)
            rows = [json.loads(line) for line in outs[0].read_text().splitlines()]
            self.assertEqual([list(row) for row in rows], [["text"]] * 7)
            for row in rows:
                self.assertTrue(100 <= len(row["text"].split()) <= 200)
                self.assertIn(row["text"], story)
            self.assertEqual(outs[0].read_bytes(), outs[1].read_bytes())

    def test_rows_have_answers_that_stand_in_their_documents(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "own.txt").write_text(f"A Story\n\n{TEXT}\n\n" + "Then Hester met Tolliver, and Hester saw Marlow. " * 9)
            out = Path(folder) / "qa.jsonl"
            subprocess.run([sys.executable, "-B", SCRIPT, folder, "--words", "60-200", "--excerpts", "3", "--out", out],
                           check=True, capture_output=True)
            rows = [json.loads(line) for line in out.read_text().splitlines()]
            self.assertEqual(len(rows), 3)
            for row in rows:
                for question in row["questions"]:
                    self.assertIn(question["answer"], novel_questions.flat(row["document"]))


if __name__ == "__main__":
    unittest.main()
