#!/usr/bin/env python3
"""Every command but plan and bench, end to end, with a tiny model."""

import json
import subprocess
import unittest

from program import PROGRAM, ProgramTest


class Text(ProgramTest):
    def test_bom_and_crlf_are_gone(self):
        self.assertEqual(self.good("text", self.file("a.txt", b"\xef\xbb\xbfone\r\ntwo\r\n")), "one\ntwo\n")

    def test_out_is_not_overwritten_without_force(self):
        source, target = self.file("a.txt", "new"), self.file("out.txt", "old")
        self.wrong("text", source, "-o", target, says="--force")
        self.good("text", source, "-o", target, "--force")
        self.assertEqual((self.home / "out.txt").read_text(), "new")

    def test_closed_pipe_is_quiet(self):
        big = self.file("big.txt", "line\n" * 400_000)
        head = f'"{PROGRAM}" text "{big}" | head -1'
        done = subprocess.run(head, shell=True, capture_output=True, env=self.environment, timeout=60, check=False)
        self.assertEqual((done.stdout, done.stderr), (b"line\n", b""))


class Tokenize(ProgramTest):
    def test_own_bytes_come_back(self):
        content = b"\xef\xbb\xbfthe\r\n\x00 \xff?"
        source = self.file("a.txt", content)
        ids = [int(word) for word in self.good("tokenize", source, "--ids").split()]
        self.assertEqual(int(self.good("tokenize", source, "--count")), len(ids))
        self.assertEqual(self.good_json("tokenize", source)["ids"], ids)
        self.assertEqual(len(self.good("tokenize", source).splitlines()), len(ids))

    def test_empty_file_has_none(self):
        self.assertEqual(self.good("tokenize", self.file("a.txt", ""), "--count"), "0\n")


class Models(ProgramTest):
    def test_info_names_types_and_window(self):
        info = self.good_json("info")
        self.assertEqual(info["shape"]["window"], 4096)
        self.assertEqual(list(info["types"]), ["F32"])

    def test_models_know_what_is_installed(self):
        models = {model["name"]: model for model in self.good_json("models")["models"]}
        self.assertEqual(models["gemma"]["installed"], "")
        self.assertEqual(models["smollm2"]["window"], 8192)


class Ask(ProgramTest):
    def setUp(self):
        super().setUp()
        self.book = self.file("book.txt", "The butler did it in the hall. " * 20)

    def ask(self, *arguments: str) -> dict:
        return self.good_json("ask", self.book, *arguments, "--max-tokens", "5", "-q")

    def test_second_question_reuses_the_reading(self):
        first, second = self.ask("Who did it?"), self.ask("Who did it?")
        self.assertEqual(first["reading"]["reused_tokens"], 0)
        self.assertEqual(second["reading"]["reused_tokens"], second["tokens"]["document"])
        self.assertEqual(first["answer"], second["answer"])

    def test_no_keep_leaves_nothing(self):
        self.ask("Who did it?", "--no-keep")
        self.assertEqual(list(self.store.glob("*.safetensors")), [])

    def test_cut_is_reported(self):
        long = self.file("long.txt", "word and " * 4000)
        self.wrong("ask", long, "Who did it?", says="--cut")
        self.assertFalse(self.store.exists() and any(self.store.iterdir()))
        cut = self.good_json("ask", long, "Who did it?", "--cut", "middle", "--max-tokens", "2")
        self.assertGreater(cut["tokens"]["cut"], 0)

    def test_what_is_a_question(self):
        self.wrong("ask", self.book, "nofile", says="no file")
        self.wrong("ask", "Who did it?", says="no file")
        self.wrong("ask", self.book, "Who?  " + "x " * 300, "--question", "Who?", says="no file")
        self.wrong("ask", self.book, "--question", " ", says="question is empty")
        self.wrong("ask", "-", says="stdin is the text")
        self.assertIn("holds no text", self.wrong("ask", self.file("b.txt", " "), "Who did it?", says="b.txt"))

    def test_question_first_says_so(self):
        done = self.tome("ask", self.book, "Who did it?", "--question-first", "--max-tokens", "2")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("--question-first", done.stderr)

    def test_readings_are_listed_and_removed(self):
        self.ask("Who did it?")
        (reading,) = self.good_json("readings", "list")["readings"]
        self.assertEqual(reading["document"], "book.txt")
        self.wrong("readings", "rm", "zz", says="no reading")
        self.good("readings", "show", reading["id"][:6])
        self.assertGreater(self.good_json("readings", "rm", reading["id"][:6])["freed_bytes"], 0)
        self.assertEqual(self.good_json("readings", "list")["readings"], [])


class Manners(ProgramTest):
    def test_errors_are_objects_with_json(self):
        done = self.tome("ask", "nofile", "--json")
        self.assertEqual(done.returncode, 2)
        error = json.loads(done.stdout)["error"]
        self.assertEqual(error["exit_code"], 2)
        self.assertIn("nofile", error["message"])

    def test_flag_before_environment_before_configuration(self):
        folder = self.home / "config" / "tome"
        folder.mkdir(parents=True)
        (folder / "config.toml").write_text('model = "from-file"\n')
        source = self.file("a.txt", "text")
        del self.environment["TOME_MODEL"]
        self.wrong("tokenize", source, says='"from-file"')
        self.wrong("tokenize", source, says='"from-variable"', TOME_MODEL="from-variable")
        self.wrong("tokenize", source, "-m", "from-flag", says='"from-flag"', TOME_MODEL="from-variable")
        (folder / "config.toml").write_text('model = "top"\n[tokenize]\nmodel = "tiny"\n')
        self.good("tokenize", source)
        (folder / "config.toml").write_text("[tokenize]\nmodle = 1\n")
        self.wrong("tokenize", source, says="modle")

    def test_help_and_version(self):
        self.assertIn("examples:", self.good("ask", "--help"))
        self.assertIn("tome ", self.good("--version"))
        self.wrong("ask", "book", "--nonsense", says="nonsense")

    def test_perplexity_counts_its_context(self):
        source = self.file("a.txt", "some text to be told " * 30)
        self.assertEqual(self.good_json("perplexity", source, "--context", "100")["tokens"], 99)


if __name__ == "__main__":
    unittest.main()
