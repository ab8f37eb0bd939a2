"""Runs the built program with folders of its own; TOME_PROGRAM names it."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import tiny_model  # noqa: E402

PROGRAM = os.environ.get("TOME_PROGRAM", "build/release/tome")
ROOT = Path(__file__).resolve().parents[2]


class ProgramTest(unittest.TestCase):
    """Each test has a fresh home folder; `self.home / "data/tome/models"` holds the model `tiny`."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = Path(folder.name)
        self.models = self.home / "data" / "tome" / "models"
        self.store = self.home / "data" / "tome" / "readings"
        tiny_model.write_model(self.models / "tiny")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("TOME_", "XDG_", "HF_"))}
        self.environment = kept | {
            "HOME": str(self.home),
            "XDG_DATA_HOME": str(self.home / "data"),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "XDG_STATE_HOME": str(self.home / "state"),
            "TOME_MODEL": "tiny",
            "TOME_THREADS": "2",
        }

    def file(self, name: str, content: str | bytes) -> str:
        path = self.home / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    def tome(
        self, *arguments: str, stdin: bytes = b"", cwd: Path | None = None, largest_file: int | None = None, **environment: str
    ) -> subprocess.CompletedProcess:
        """`largest_file`: bytes at which files stop growing, as on a full disk."""
        done = subprocess.run(
            [PROGRAM, *arguments],
            input=stdin,
            capture_output=True,
            env=self.environment | environment,
            cwd=cwd,
            preexec_fn=largest_file and (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))),
            timeout=300,
            check=False,
        )
        done.stdout, done.stderr = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        return done

    def good(self, *arguments: str, **options) -> str:
        done = self.tome(*arguments, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def good_json(self, *arguments: str, **options) -> dict:
        result = json.loads(self.good(*arguments, "--json", **options))
        self.assertEqual(result["schema_version"], 1)
        return result

    def wrong(self, *arguments: str, says: str, code: int = 2, **options) -> str:
        """Fails with one line that holds `says`."""
        done = self.tome(*arguments, **options)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertIn(says, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        return done.stderr
