#!/usr/bin/env python3
"""The house keeps its own rules: who may include whom, where outside libraries live, how long a file may be.

The rules are the tables of docs/architecture.md and docs/dependencies.md. The last class proves that the checks can
fail, on small trees made for it.
"""

import re
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAX_LINES = 500
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^">]+)[">]', re.MULTILINE)
# Headers of the compiler, the C library and Linux; C++ headers have no dot.
SYSTEM_HEADER = re.compile(
    r"[a-z0-9_]+|(sys|linux|arpa|netinet|net|bits|asm)/[a-z0-9_]+\.h|\w*intrin\.h|"
    r"(cpuid|ctype|dirent|dlfcn|elf|errno|fcntl|fenv|getopt|inttypes|langinfo|limits|locale|malloc|math|netdb|poll|pthread|pwd|"
    r"sched|semaphore|signal|spawn|stdarg|stddef|stdint|stdio|stdlib|string|strings|termios|time|unistd|wchar|wordexp|omp)\.h"
)


def table_rows(page: str, first_heading: str) -> list[list[str]]:
    """The rows of the Markdown table whose first column is called `first_heading`, without its two heading lines."""
    rows = []
    inside = False
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
        if not inside:
            inside = bool(cells) and cells[0] == first_heading and len(cells) > 2
            continue
        if not cells:
            break
        rows.append(cells)
    return rows[1:]


def allowed_includes(page: str) -> dict[str, set[str]]:
    """Folder (`ops`, `ops/kernels`) -> the folders it may include; "anything" stands for all."""
    return {
        row[0].strip("`/ "): set() if row[2] == "nothing" else set(row[2].split()) for row in table_rows(page, "folder")
    }


def library_fences(page: str) -> list[tuple[str, list[str], list[str]]]:
    """(library, its headers or header folders, the files and folders that may include them)."""
    return [
        (
            row[0],
            re.findall(r"`([^`]+)`", row[1]),
            ["anywhere"] if row[2] == "anywhere" else re.findall(r"`([^`]+)`", row[2]),
        )
        for row in table_rows(page, "library")
    ]


def sources(src: Path) -> list[Path]:
    return sorted(path for path in src.rglob("*") if path.suffix in {".h", ".cc", ".inc", ".def"})


def includes(path: Path) -> list[tuple[bool, str]]:
    """(ours, name) of each #include line."""
    return [(quote == '"', name) for quote, name in INCLUDE.findall(path.read_text(encoding="utf-8"))]


def layer_of(name: str, rules: dict[str, set[str]]) -> str:
    """The folder of `name` (a path under src/) that has a row of its own, or the path's first folder."""
    folder = Path(name).parent.as_posix()
    return folder if folder in rules else name.split("/")[0]


def made_headers(folder: Path) -> list[str]:
    """Headers that the folder's CMakeLists.txt writes into the build."""
    recipe = folder / "CMakeLists.txt"
    return re.findall(r"file\(CONFIGURE OUTPUT (\S+)", recipe.read_text(encoding="utf-8")) if recipe.exists() else []


def broken_layers(src: Path, rules: dict[str, set[str]]) -> list[str]:
    found = []
    for path in sources(src):
        here = path.relative_to(src).as_posix()
        layer = layer_of(here, rules)
        allowed = rules.get(layer, set())
        for name in [name for ours, name in includes(path) if ours]:
            target = name.split("/")[0]
            if name in made_headers(src / layer):
                continue
            if target not in rules or "/" not in name:
                found.append(f'{here}: "{name}" is not named from src/, or its folder has no row in the table')
            elif target != layer.split("/")[0] and target not in allowed and "anything" not in allowed:
                found.append(f"{here}: {layer}/ may not include {name}")
    return found


def broken_links(src: Path, rules: dict[str, set[str]]) -> list[str]:
    found = []
    for path in sorted(src.glob("*/CMakeLists.txt")):
        layer = path.parent.name
        allowed = rules.get(layer, set())
        for target in sorted(set(re.findall(r"\btome_(\w+)", path.read_text(encoding="utf-8"))) & set(rules)):
            if target != layer and target not in allowed and "anything" not in allowed:
                found.append(f"{layer}/CMakeLists.txt: {layer}/ may not link tome_{target}")
    return found


def broken_fences(src: Path, fences: list[tuple[str, list[str], list[str]]]) -> list[str]:
    found = []
    for path in sources(src):
        here = path.relative_to(src).as_posix()
        for name in [name for ours, name in includes(path) if not ours]:
            if SYSTEM_HEADER.fullmatch(name):
                continue
            owners = [
                fence
                for fence in fences
                if any(name == h or (h.endswith("/") and name.startswith(h)) for h in fence[1])
            ]
            if not owners:
                found.append(f"{here}: <{name}> is in no row of docs/dependencies.md")
            for library, _, places in owners:
                if not any(p == "anywhere" or here == p or (p.endswith("/") and here.startswith(p)) for p in places):
                    found.append(f"{here}: <{name}> belongs to {library}, fenced into {' '.join(places)}")
    return found


def long_files(src: Path) -> list[str]:
    """Source files over MAX_LINES; tables of data are named *_table.cc and may be any length."""
    code = [path for path in sources(src) if not path.name.endswith("_table.cc")]
    counts = [(path, len(path.read_text(encoding="utf-8").splitlines())) for path in code]
    return [
        f"{path.relative_to(src)}: {lines} lines, at most {MAX_LINES}" for path, lines in counts if lines > MAX_LINES
    ]


def unlisted_folders(src: Path, rules: dict[str, set[str]]) -> list[str]:
    folders = {path.parent.relative_to(src).as_posix() for path in sources(src)}
    return [f"{folder}/ has no row in docs/architecture.md" for folder in sorted(folders) if folder not in rules]


class House(unittest.TestCase):
    def setUp(self):
        self.src = ROOT / "src"
        self.rules = allowed_includes((ROOT / "docs/architecture.md").read_text(encoding="utf-8"))
        self.fences = library_fences((ROOT / "docs/dependencies.md").read_text(encoding="utf-8"))

    def assert_none(self, violations: list[str]):
        self.assertFalse(violations, "\n" + "\n".join(violations))

    def test_tables_are_read(self):
        self.assertEqual(self.rules["base"], set())
        self.assertEqual(self.rules["formats"], {"base"})
        self.assertEqual(self.rules["cli"], {"anything"})
        self.assertIn("CLI11 2.1 (`libcli11-dev`)", [library for library, _, _ in self.fences])
        self.assertGreater(len(sources(self.src)), 10)

    def test_layers_point_down(self):
        for layer, allowed in self.rules.items():
            self.assertNotIn("cli", allowed, layer)
            for target in allowed - {"anything"}:
                self.assertIn(target, self.rules)
                self.assertNotIn(layer, self.rules[target], "a circle")

    def test_train_and_read_are_strangers(self):
        self.assertNotIn("read", self.rules["train"])
        self.assertNotIn("train", self.rules["read"])

    def test_includes(self):
        self.assert_none(broken_layers(self.src, self.rules))

    def test_links(self):
        self.assert_none(broken_links(self.src, self.rules))

    def test_outside_libraries(self):
        self.assert_none(broken_fences(self.src, self.fences))

    def test_length(self):
        self.assert_none(long_files(self.src))

    def test_the_way_of_a_token_exists(self):
        page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
        named = re.findall(r"`(\w+(?:/\w+)+\.(?:cc|h|py))`", page)
        self.assertGreaterEqual(len(named), 6)
        here = [path for path in named if not (self.src / path).exists() and not (ROOT / path).exists()]
        self.assert_none([f"docs/architecture.md: {path} does not exist" for path in here])

    def test_map_is_complete(self):
        self.assert_none(unlisted_folders(self.src, self.rules))


class ChecksCanFail(unittest.TestCase):
    RULES = {"base": set(), "ops": {"base"}, "read": {"base"}, "train": {"base", "ops"}, "cli": {"anything"}}
    FENCES = [("oneDNN", ["dnnl.hpp", "oneapi/dnnl/"], ["ops/gemm.cc"]), ("JSON", ["nlohmann/"], ["anywhere"])]

    def tree(self, files: dict[str, str]) -> Path:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for name, text in files.items():
            path = Path(folder.name) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return Path(folder.name)

    def test_layers(self):
        good = {"ops/a.cc": '#include "base/b.h"\n#include "ops/c.h"\n', "cli/d.cc": '#include "read/e.h"\n'}
        self.assertEqual(broken_layers(self.tree(good), self.RULES), [])
        for name, line in [
            ("base/a.cc", '#include "ops/a.h"'),
            ("read/a.h", '  #  include "train/a.h"'),
            ("train/a.cc", '#include "read/a.h"'),
            ("ops/kernels/a.cc", '#include "read/a.h"'),
            ("ops/a.cc", '#include "neighbour.h"'),
            ("ops/a.cc", '#include "../read/a.h"'),
        ]:
            self.assertEqual(len(broken_layers(self.tree({name: line}), self.RULES)), 1, (name, line))

    def test_links(self):
        self.assertEqual(
            broken_links(self.tree({"ops/CMakeLists.txt": "tome_library(ops DEPS tome_base)"}), self.RULES), []
        )
        self.assertEqual(len(broken_links(self.tree({"ops/CMakeLists.txt": "(ops DEPS tome_read)"}), self.RULES)), 1)

    def test_fences(self):
        good = {
            "ops/gemm.cc": "#include <dnnl.hpp>\n#include <vector>\n#include <sys/mman.h>\n",
            "base/a.cc": "#include <nlohmann/json.hpp>",
        }
        self.assertEqual(broken_fences(self.tree(good), self.FENCES), [])
        for line in [
            "#include <dnnl.hpp>",
            "#include <oneapi/dnnl/dnnl.hpp>",
            "#include <boost/asio.hpp>",
            "#include <zlib.h>",
        ]:
            self.assertEqual(len(broken_fences(self.tree({"ops/attention.cc": line}), self.FENCES)), 1, line)

    def test_length_and_map(self):
        src = self.tree({"ops/long.cc": "\n" * (MAX_LINES + 1), "ops/short.cc": "\n" * MAX_LINES, "novelty/a.h": ""})
        self.assertEqual(len(long_files(src)), 1)
        self.assertEqual(unlisted_folders(src, self.RULES), ["novelty/ has no row in docs/architecture.md"])


if __name__ == "__main__":
    unittest.main()
