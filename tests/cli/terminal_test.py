#!/usr/bin/env python3
"""Terminals, pipes and names: full and closed stdout, the prompt, narrow and dumb terminals, names with control bytes."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
import unittest
from pathlib import Path

from program import PROGRAM, ProgramTest

COMMANDS = (
    ["text", "BOOK"],
    ["tokenize", "BOOK"],
    ["tokenize", "BOOK", "--json"],
    ["models"],
    ["models", "--json"],
    ["info"],
    ["readings", "list"],
    ["readings", "list", "--json"],
    ["perplexity", "BOOK", "--context", "50"],
    ["ask", "BOOK", "--question", "Who?", "--max-tokens", "3", "-q"],
    ["ask", "BOOK", "--question", "Who?", "--max-tokens", "3", "-q", "--json"],
    ["--help"],
    ["--version"],
    ["ask", "--help"],
)
ANSWERED = r" tokens, first after .*\n(.*\r)?> "  # and ready for the next question


class Streams(ProgramTest):
    def setUp(self):
        super().setUp()
        self.book = self.file("book.txt", "The butler did it in the hall. " * 20)

    def run_shell(self, command: list[str], redirection: str) -> subprocess.CompletedProcess:
        words = " ".join(f"'{self.book if word == 'BOOK' else word}'" for word in [PROGRAM, *command])
        return subprocess.run(
            f"{words} {redirection}", shell=True, capture_output=True, text=True, env=self.environment, timeout=300, check=False
        )

    def test_full_stdout(self):
        for command in COMMANDS:
            with self.subTest(command=command):
                done = self.run_shell(command, ">/dev/full")
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertEqual(done.stderr, "tome: stdout: No space left on device; make room or write elsewhere\n")

    def test_closed_stdout(self):
        for command in COMMANDS:
            with self.subTest(command=command):
                done = self.run_shell(command, ">&-")
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_pipe_that_nobody_reads(self):
        for command in COMMANDS:
            with self.subTest(command=command):
                done = self.run_shell(command, "| true")
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_names_with_control_bytes(self):
        name = "a\nb\x1b[31mc\xc2\x9bd"
        self.wrong("text", str(self.home / name), says="no such file")  # in one line
        book = self.file(name, "The butler did it.")
        done = self.tome("ask", book, "--question", "Who?", "--max-tokens", "2")
        self.assertEqual(done.returncode, 0, done.stderr)
        shown = self.good("readings", "list") + self.good("readings", "show", self.reading_id()) + done.stderr
        self.assertEqual(re.findall(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown), [])

    def reading_id(self) -> str:
        return self.good_json("readings", "list")["readings"][0]["id"]

    def test_names_in_other_scripts_are_shown(self):
        self.good("ask", self.file("Café 日本.txt", "The butler did it."), "--question", "Who?", "--max-tokens", "2", "-q")
        self.assertIn("Café 日本.txt", self.good("readings", "list"))

    def test_names_that_are_no_utf8(self):
        path = os.fsencode(self.home) + b"/bad\xff.txt"
        Path(os.fsdecode(path)).write_text("The butler did it.")
        self.assertEqual(self.good("text", os.fsdecode(path)), "The butler did it.")
        answer = self.good_json("ask", os.fsdecode(path), "--question", "Who?", "--max-tokens", "2", "-q")
        self.assertGreater(answer["tokens"]["document"], 0)
        self.assertIn("bad", self.good("readings", "list"))


class Terminal(ProgramTest):
    def setUp(self):
        super().setUp()
        self.book = self.file("a-book-with-quite-a-long-name.txt", "The butler did it in the hall. " * 120)

    def open(self, *arguments: str, columns: int = 80, term: str = "xterm"):
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        child = subprocess.Popen(
            [PROGRAM, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=self.environment | {"TERM": term},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self.addCleanup(os.close, master)
        return child, master

    def read_until(self, master: int, wanted: str | None, seconds: float = 120) -> str:
        """Up to the pattern `wanted`, or to the end."""
        seen, end = b"", time.monotonic() + seconds
        while time.monotonic() < end:
            if wanted is not None and re.search(wanted.encode(), seen):
                return seen.decode(errors="replace")
            if not select.select([master], [], [], 0.2)[0]:
                continue
            try:
                more = os.read(master, 65536)
            except OSError:
                more = b""
            if not more:
                break
            seen += more
        if wanted is not None:
            self.fail(f"{wanted!r} did not come: {seen!r}")
        return seen.decode(errors="replace")

    def test_prompt_answers_and_remembers(self):
        child, master = self.open("ask", self.book, "--max-tokens", "4")
        self.read_until(master, "> ")
        os.write(master, b"\r")  # an empty line asks nothing
        os.write(master, b"Who did it?\r")
        self.read_until(master, ANSWERED)
        os.write(master, b"\x03")  # Ctrl-C at the prompt
        os.write(master, b"  exit \r")
        self.read_until(master, None)
        self.assertEqual(child.wait(timeout=60), 0)
        history = self.home / "state" / "tome" / "history"
        self.assertIn("Who", history.read_text())
        self.assertEqual(history.stat().st_mode & 0o077, 0, "questions are nobody else's")
        child, master = self.open("ask", self.book, "--max-tokens", "4")
        self.read_until(master, "> ")
        os.write(master, b"\x1b[A\x1b[A")  # the line before "exit"
        self.read_until(master, "Who did it?")
        os.write(master, b"\r")
        self.read_until(master, ANSWERED)
        os.write(master, b"\x04")
        self.read_until(master, None)
        self.assertEqual(child.wait(timeout=60), 0)

    def test_a_question_too_long_does_not_end_the_prompt(self):
        child, master = self.open("ask", self.book, "--max-tokens", "4", "--cut", "end", "--reserve", "50")
        self.read_until(master, "> ")
        for _ in range(5):
            os.write(master, b"why " * 200)
            time.sleep(0.05)
        os.write(master, b"\r")
        self.read_until(master, r"ask shorter.*\n(.*\r)?> ")
        os.write(master, b"Who?\r")
        self.read_until(master, ANSWERED)
        os.write(master, b"\x04")
        self.read_until(master, None)
        self.assertEqual(child.wait(timeout=60), 0)

    def test_progress_fits_the_terminal(self):
        for columns in (10, 40, 80):
            child, master = self.open("ask", self.book, "--question", "Who?", "--max-tokens", "2", "--no-keep", columns=columns)
            shown = self.read_until(master, None)
            self.assertEqual(child.wait(timeout=60), 0)
            lines = re.findall(r"\r\x1b\[K([^\r\n]*)", shown)
            self.assertTrue(any(line for line in lines), shown)
            self.assertLess(max(len(line) for line in lines[:-1]), columns, shown)

    def test_dumb_terminal_gets_plain_text(self):
        child, master = self.open("ask", self.book, "--question", "Who?", "--max-tokens", "2", term="dumb")
        shown = self.read_until(master, None)
        self.assertEqual(child.wait(timeout=60), 0)
        self.assertNotIn("\x1b", shown)
        child, master = self.open("ask", self.book, "--max-tokens", "2", term="dumb")
        self.read_until(master, "> ")
        os.write(master, b"Who?\r")
        self.read_until(master, ANSWERED)
        os.write(master, b"exit\r")
        self.read_until(master, None)
        self.assertEqual(child.wait(timeout=60), 0)

    def test_questions_from_a_pipe(self):
        done = self.tome("ask", self.book, "--max-tokens", "2", "-q", stdin=b"Who?\n\nWhere?\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreaterEqual(done.stdout.count("\n"), 2)


if __name__ == "__main__":
    unittest.main()
