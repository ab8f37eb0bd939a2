#!/usr/bin/env python3
"""clang-tidy over the .cc files of src/, in parallel; a file is checked again only when something it reads changed.

A clean verdict is kept as an empty file named by the hash of: the tool's version and checks, .clang-tidy, the compile
command, and the text of the source and of every header of ours that it includes, directly or not.
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src"
TIDY = "clang-tidy-14"
# They take half of the time that all checks take together: --all runs them too.
SLOW = ",".join(
    "-" + check
    for check in (
        "bugprone-use-after-move",
        "bugprone-unused-return-value",
        "bugprone-sizeof-expression",
        "bugprone-unused-raii",
        "bugprone-dangling-handle",
        "cppcoreguidelines-slicing",
        "misc-definitions-in-headers",
        "misc-redundant-expression",
        "misc-unused-using-decls",
        "performance-move-const-arg",
        "performance-unnecessary-copy-initialization",
        "performance-unnecessary-value-param",
        "readability-container-size-empty",
    )
)
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def with_headers(source: Path) -> list[Path]:
    """The source and every file under src/ that it includes, sorted."""
    seen: set[Path] = set()
    waiting = [source]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in INCLUDE.findall(path.read_text(encoding="utf-8")):
            for candidate in (SOURCES / name, path.parent / name):
                if candidate.is_file():
                    waiting.append(candidate.resolve())
                    break
    return sorted(seen)


def verdict_key(entry: dict, version: str) -> str:
    digest = hashlib.sha256((version + entry.get("command", "")).encode())
    for path in [ROOT / ".clang-tidy", *with_headers(Path(entry["file"]))]:
        digest.update(str(path).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def tidy(entry: dict, build: Path, checks: str = "") -> subprocess.CompletedProcess:
    """`checks`: added to those of .clang-tidy."""
    command = [TIDY, "--quiet", "--warnings-as-errors=*", f"--checks={checks}", "-p", str(build), entry["file"]]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release", help="has compile_commands.json")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--all", action="store_true", help="the slow checks too")
    arguments = parser.parse_args()
    checks = "" if arguments.all else SLOW

    cache = ROOT / "build" / "tidy"
    cache.mkdir(parents=True, exist_ok=True)
    version = subprocess.run([TIDY, "--version"], capture_output=True, text=True, check=True).stdout
    commands = json.loads((arguments.build / "compile_commands.json").read_text(encoding="utf-8"))
    entries = {entry["file"]: entry for entry in commands if Path(entry["file"]).is_relative_to(SOURCES)}
    waiting = {}
    for name, entry in sorted(entries.items()):
        full, key = verdict_key(entry, version), verdict_key(entry, version + checks)
        if not (cache / key).exists() and not (cache / full).exists():
            waiting[name] = (entry, key)

    failures = 0
    with ThreadPoolExecutor(arguments.jobs) as pool:
        results = pool.map(lambda item: (item[1], tidy(item[0], arguments.build, checks)), waiting.values())
        for name, (key, result) in zip(waiting, results):
            if result.returncode == 0:
                (cache / key).touch()
                continue
            failures += 1
            print(f"{Path(name).relative_to(ROOT)}:\n{result.stdout or result.stderr}", flush=True)
    print(f"{len(waiting)} checked, {len(entries) - len(waiting)} unchanged, {failures} with findings", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
