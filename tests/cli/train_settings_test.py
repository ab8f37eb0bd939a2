#!/usr/bin/env python3
"""tome train --settings: the file that a run leaves repeats it, and what is wrong in a file is named with its line."""

import re
import unittest

import tomllib
from train_runs import TrainTest

NO_SETTINGS = {"help", "help-all", "settings", "dry-run"}


class Settings(TrainTest):
    def settings_file(self, text: str) -> str:
        return self.file("run.toml", text)

    def saved(self, out: str) -> dict:
        return tomllib.loads((self.home / out / "settings.toml").read_text())

    def test_the_saved_settings_repeat_a_run_to_the_bit(self):
        # Numbers that six digits would not hold, and a relative path.
        self.good("train", "--data", "qa.jsonl", "--out", "a", "--context", "512", "--steps", "4", "--rank", "3",
                  "--learning-rate", "0.0123456789", "--alpha", "7.1234567", "--matrices", "q,v,down", "--no-pack",
                  "--validate-every", "2", "--hold-out", "2", "--seed", "77", "--accumulate", "2", "--moments", "f32",
                  "--warm-up", "1", "--schedule", "linear", "--rank-stabilised", cwd=self.home)  # fmt: skip
        (self.home / "config/tome").mkdir(parents=True)
        (self.home / "config/tome/config.toml").write_text('[train]\nrank = 9\nschedule = "constant"\n')
        elsewhere = self.home / "elsewhere"
        elsewhere.mkdir()
        self.good("train", "--settings", "../a/settings.toml", "--out", "b", cwd=elsewhere, TOME_THREADS="1", TOME_MODEL="none")
        self.assertEqual(self.adapter("elsewhere/b"), self.adapter("a"))
        self.assertEqual((self.home / "elsewhere/b/tome.json").read_text(), (self.home / "a/tome.json").read_text())
        first, second = self.saved("a"), self.saved("elsewhere/b")
        self.assertEqual(first.pop("out"), str(self.home / "a"))
        second.pop("out")
        self.assertEqual(first, second)
        self.assertEqual((first["threads"], first["learning-rate"], first["data"]), (2, 0.0123456789, [self.data]))

    def test_the_saved_settings_are_all_flags(self):
        self.good(*self.arguments("a"))
        flags = set(re.findall(r"^ +(?:-\w,)?--([a-z-]+)", self.good("train", "--help"), re.MULTILINE))
        self.assertGreater(len(flags), 30)
        self.assertEqual(set(self.saved("a")), flags - NO_SETTINGS - {"epochs"})
        self.assertIn("settings.toml", self.good("train", "--help"))

    def test_the_command_line_goes_before_the_file(self):
        file = self.settings_file(f'data = ["{self.data}"]\ncontext = "1k"\nrank = 2\nepochs = 2.5\nhold-out = 3\n')
        self.good("train", "--settings", file, "--rank", "3", "--steps", "2", "--validation", self.data, "--out", str(self.home / "a"))
        saved = self.saved("a")
        self.assertEqual((saved["rank"], saved["steps"], saved["context"], saved["hold-out"]), (3, 2, 1024, 0))
        self.assertNotIn("epochs", saved)
        self.assertEqual(saved["validation"], [self.data])

    def test_what_is_wrong_is_named_with_its_line(self):
        for text, words in (
            ("\nrnak = 3\n", ["run.toml:2: rnak", "rank", "learning-rate"]),
            ("rank = 3\nhelp = true\n", ["run.toml:2: help", "no such flag"]),
            ('settings = "x"\n', ["run.toml:1: settings"]),
            ("rank = 0\n", ["run.toml:1: rank", '"0"', "4096"]),
            ('rank = "many"\n', ["run.toml:1: rank", '"many"', "4096"]),
            ("rank = [1, 2]\n", ["run.toml:1: rank", "one value"]),
            ("[rank]\nx = 1\n", ["run.toml:1: rank", "expected a text, a number"]),
            ('moments = "7bit"\n', ["run.toml:1: moments", "7bit", "8bit"]),
            ('matrices = ["q", "x"]\n', ["run.toml:1: matrices", "x", "gate"]),
            ('context = "8q"\n', ["run.toml:1: context", "8q", "k or m"]),
            ("learning-rate = nan\n", ["run.toml:1: learning-rate", "nan", "0 to 10"]),
            ('no-pack = "perhaps"\n', ["run.toml:1: no-pack", "perhaps", "true or false"]),
            ("rank = \n", ["run.toml:1"]),
            ("rank = 1\nrank = 2\n", ["run.toml:2"]),
        ):
            with self.subTest(text=text):
                arguments = ["train", "--data", self.data, "--out", str(self.home / "a")]
                said = self.wrong(*arguments, "--settings", self.settings_file(text), says="run.toml")
                for word in words:
                    self.assertIn(word, said)
        self.assertFalse((self.home / "a").exists())
        self.wrong("train", "--settings", str(self.home / "none.toml"), says="none.toml: there is no such file")
        self.wrong("train", "--settings", self.settings_file("rank = 2\n"), says="--data is required")

    def test_a_file_that_contradicts_itself(self):
        file = self.settings_file("steps = 1\nepochs = 1\n")
        self.wrong("train", "--data", self.data, "--out", "x", "--settings", file, says="--steps and --epochs")

    def test_a_refused_run_leaves_the_settings_of_the_folder(self):
        self.good(*self.arguments("a"))
        before = (self.home / "a/settings.toml").read_text()
        self.wrong(*self.arguments("a", "-q", "--rank", "8"), says="another run")
        self.assertEqual((self.home / "a/settings.toml").read_text(), before)


if __name__ == "__main__":
    unittest.main()
