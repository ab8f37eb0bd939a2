#!/usr/bin/env python3
"""./run fails clearly: one line that says what is wrong and what to do, exit code 2, before anything is changed."""

import hashlib
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("bash", "cat", "cmp", "cp", "dirname", "env", "grep", "mkdir", "nproc", "paste", "sort")
ONLY_CMAKE_MISSING = "[[ ${!#} != cmake ]] && echo installed"


class Machine:
    """A PATH with a few ordinary tools, and the made-up programs that a test adds."""

    def __init__(self, folder: Path, programs: dict[str, str]):
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.home = folder / "home"
        self.home.mkdir()
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool, path="/usr/bin:/bin"))
        for name, script in programs.items():
            path = self.bin / name
            path.write_text(f"#!/usr/bin/env bash\n{script}\n", encoding="utf-8")
            path.chmod(0o755)

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        environment = {"PATH": str(self.bin), "HOME": str(self.home)}
        command = [str(self.bin / "bash"), str(ROOT / "run"), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


class RunFailsClearly(unittest.TestCase):
    def machine(self, **programs: str) -> Machine:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return Machine(Path(folder.name), {name.replace("_", "-"): script for name, script in programs.items()})

    def assert_fails(self, result: subprocess.CompletedProcess, *parts: str):
        self.assertEqual(result.returncode, 2, result.stderr)
        last = result.stderr.strip().splitlines()[-1]
        self.assertTrue(last.startswith("run: "), result.stderr)
        for part in parts:
            self.assertIn(part, last)

    def test_unknown_verb(self):
        self.assert_fails(self.machine().run("brew"), "unknown verb 'brew'")

    def test_help_needs_nothing(self):
        result = self.machine().run("help")
        self.assertEqual(result.returncode, 0)
        for verb in ("setup", "build", "demo", "test", "bench", "lint", "fuzz"):
            self.assertIn(f"\n  {verb} ", result.stdout)

    def test_no_apt(self):
        for verb in ("setup", "build", "demo", "test", "bench", "lint", "fuzz"):
            self.assert_fails(self.machine().run(verb), "no apt-get", "cmake", "libicu-dev", "TOME_SKIP_APT=1")

    def test_no_sudo(self):
        machine = self.machine(id="echo 1000", dpkg_query=ONLY_CMAKE_MISSING, apt_get="echo changed >&2; exit 1")
        result = machine.run("build")
        self.assert_fails(result, "neither root nor sudo", "'apt-get install cmake'")
        self.assertNotIn("changed", result.stderr)

    def test_apt_fails(self):
        machine = self.machine(id="echo 0", dpkg_query="exit 1", apt_get="echo 'E: no network' >&2; exit 100")
        result = machine.run("build")
        self.assert_fails(result, "apt-get update failed")
        self.assertIn("E: no network", result.stderr)

    def test_sudo(self):
        sudo = 'echo "sudo $*" >&2; exit 1'
        machine = self.machine(id="echo 1000", dpkg_query=ONLY_CMAKE_MISSING, apt_get="exit 1", sudo=sudo)
        result = machine.run("build")
        self.assertIn("sudo apt-get update", result.stderr)
        self.assert_fails(result, "apt-get update failed")

    def test_bad_arguments(self):
        machine = self.machine()
        self.assert_fails(machine.run("test", "--everything"), "unknown argument '--everything'")
        self.assert_fails(machine.run("test", "--data", "/nowhere"), "/nowhere: no such folder")
        for seconds in ("0", "-1", "soon", "1e3"):
            self.assert_fails(machine.run("fuzz", seconds), "whole number above 0", seconds)


class AnswersAdapter(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = Path(folder.name)
        self.beside = self.home / "tome/models/gemma.answers"

    def install(self):
        script = "set -euo pipefail; source scripts/house.sh; install_answers"
        environment = {"PATH": "/usr/bin:/bin", "XDG_DATA_HOME": str(self.home)}
        subprocess.run(["bash", "-c", script], cwd=ROOT, env=environment, check=True, capture_output=True)

    def test_goes_beside_the_model(self):
        self.install()
        names = {path.name for path in (ROOT / "models/answers").iterdir()}
        self.assertEqual({path.name for path in self.beside.iterdir()}, names | {"installed-by-run"})

    def test_renews_what_it_installed(self):
        self.install()
        old = self.beside / "tome.json"
        old.write_text("{}", encoding="utf-8")
        mark = self.beside / "installed-by-run"  # as an earlier version of the adapter would have left it
        sums = [line for line in mark.read_text(encoding="utf-8").splitlines() if not line.endswith("tome.json")]
        mark.write_text("\n".join([*sums, f"{hashlib.sha256(b'{}').hexdigest()}  tome.json", ""]), encoding="utf-8")
        self.install()
        self.assertEqual(old.read_bytes(), (ROOT / "models/answers/tome.json").read_bytes())

    def test_leaves_the_users_own(self):
        self.install()
        (self.beside / "adapter_config.json").write_text("mine", encoding="utf-8")
        self.install()
        self.assertEqual((self.beside / "adapter_config.json").read_text(encoding="utf-8"), "mine")
        shutil.rmtree(self.beside)
        self.beside.symlink_to("nowhere")
        self.install()
        self.assertTrue(self.beside.is_symlink())


if __name__ == "__main__":
    unittest.main()
