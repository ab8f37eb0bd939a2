#!/usr/bin/env python3
"""Seconds and memory of one LoRA step: tome beside PyTorch + PEFT, alternating in one run.

    bench/training_ratio.py --python VENV/bin/python [--steps smollm2:2048 gemma:4096] [--dtypes bf16 f32] [--rounds 2]

VENV is that of bench/reference/README.md. Every measurement is a line of --cache as soon as it is there and is not made
again; `--table` only prints what is there. PyTorch runs in each of --dtypes (without bf16 instructions f32 is the faster
one), with gradient checkpointing off at 2,048 tokens and on above, in a new process each; a run that takes longer than
--limit seconds is ended and stands in the table as such. Run nothing else meanwhile.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOME = pathlib.Path(os.environ.get("TOME_PROGRAM", ROOT / "build" / "release" / "tome"))
CHECKPOINTING_FROM = 4096
GIB = 1 << 30


class Cache:
    def __init__(self, path: pathlib.Path):
        self.path = path
        self.lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def find(self, key: dict) -> dict | None:
        return next((line for line in self.lines if line["key"] == key), None)

    def add(self, key: dict, result: dict) -> None:
        line = {"key": key} | result
        self.lines.append(line)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")


def run(command: list[str], limit: float) -> dict:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return {"timed_out": limit}
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.stderr[-2000:]}")
    figures = json.loads(done.stdout.splitlines()[-1])
    return {"seconds": figures["seconds"], "peak_rss_bytes": figures["peak_rss_bytes"],
            "peak_private_bytes": figures.get("peak_private_bytes"), "fraction_of_peak": figures.get("fraction_of_peak")}  # fmt: skip


def measure(arguments: argparse.Namespace, cache: Cache) -> None:
    for step in arguments.steps:
        model, tokens = step.split(":")
        checkpointing = "on" if int(tokens) >= CHECKPOINTING_FROM else "off"
        contenders = {"tome": [str(TOME), "bench", "train", "-m", model, "--tokens", tokens, "--json",
                               "--activations", arguments.activations]}  # fmt: skip
        for dtype in arguments.dtypes:
            contenders[f"PEFT {dtype}"] = [
                arguments.python, str(ROOT / "bench/reference/peft_step.py"), "--model", model, "--tokens", tokens,
                "--dtype", dtype, "--gradient-checkpointing", checkpointing]  # fmt: skip
        for round_number in range(arguments.rounds):
            for name, command in contenders.items():
                key = {"contender": name, "model": model, "tokens": int(tokens), "round": round_number}
                if cache.find(key) is None:
                    print(f"{step}, {name}, round {round_number + 1}", file=sys.stderr)
                    cache.add(key, run(command, arguments.limit))


def table(cache: Cache) -> None:
    print("| model | tokens | | seconds | tokens/s | tome's speed | peak RSS | of f32/bf16 peak |")
    print("|---|---|---|---|---|---|---|---|")
    steps = sorted({(line["key"]["model"], line["key"]["tokens"]) for line in cache.lines}, reverse=True)
    for model, tokens in sorted(steps, key=lambda step: (step[0] != "smollm2", step[1])):
        here = [line for line in cache.lines if (line["key"]["model"], line["key"]["tokens"]) == (model, tokens)]
        by_name = {}
        for line in here:
            by_name.setdefault(line["key"]["contender"], []).append(line)
        own = statistics.median(line["seconds"] for line in by_name.get("tome", []) if "seconds" in line)
        for name, lines in by_name.items():
            times = [line["seconds"] for line in lines if "seconds" in line]
            if not times:
                print(f"| {model} | {tokens:,} | {name} | > {lines[0]['timed_out']:.0f} | | > {lines[0]['timed_out'] / own:.1f}x | | |")
                continue
            seconds = statistics.median(times)
            rss = max(line["peak_rss_bytes"] for line in lines if "seconds" in line)
            share = lines[0].get("fraction_of_peak")
            print(f"| {model} | {tokens:,} | {name} | {seconds:.1f} | {tokens / seconds:.1f} | {seconds / own:.2f}x | "
                  f"{rss / GIB:.2f} GiB | {'' if share is None else f'{100 * share:.0f} %'} |")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", help="of the environment with torch, transformers and peft")
    parser.add_argument("--steps", nargs="+", default=["smollm2:2048", "smollm2:4096", "gemma:4096", "smollm2:8192"],
                        metavar="MODEL:TOKENS")  # fmt: skip
    parser.add_argument("--dtypes", nargs="+", default=["bf16", "f32"])
    parser.add_argument("--activations", default="2GiB", help="tome's, as for tome train")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--limit", type=float, default=1800)
    parser.add_argument("--cache", type=pathlib.Path, default=ROOT / "build" / "training_ratio.jsonl")
    parser.add_argument("--table", action="store_true", help="only print what is there")
    arguments = parser.parse_args()
    cache = Cache(arguments.cache)
    if not arguments.table:
        if arguments.python is None:
            parser.error("--python is needed to measure; bench/reference/README.md says how it is made")
        measure(arguments, cache)
    table(cache)


if __name__ == "__main__":
    main()
