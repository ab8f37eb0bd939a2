#!/usr/bin/env python3
"""Trains the same short run on lists of lines in several ways and prints one table of what each gave.

    recipes/line_recipes.py FOLDER [--tome build/release/tome] [--only NAME ...]

Recipes see the same lists in the same order, 14 steps of one list; those with longer lists have others. Test lists have other keys and another wording:
100 questions at 4K tokens, 50 at 16K, 25 at 32K (native RoPE) or 64K (stretched). FOLDER keeps everything: the same
command goes on where it was stopped. About an hour on two cores that do nothing else.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

STEPS = 14
SETS = {"lists": "700-1000", "mixed": "700-4k"}
QUESTIONS = 25  # a test list
NATIVE, STRETCHED = {"4k": 100, "16k": 50, "32k": 25}, {"4k": 100, "16k": 50, "64k": 25}
STRETCH = ["--context", "64k"]


class Recipe:
    def __init__(self, name, *flags, data="lists", lengths=None, rate="3e-4"):
        self.name, self.data, self.lengths = name, data, lengths or NATIVE
        context = [] if "--context" in flags else ["--context", "4k" if data == "mixed" else "2k"]
        self.flags = [*context, "--learning-rate", rate, *flags]


RECIPES = [
    Recipe("rank 16, rate 3e-4"),
    Recipe("rate 1e-4", rate="1e-4"),
    Recipe("rate 1e-3", rate="1e-3"),
    Recipe("rank 4", "--rank", "4", "--alpha", "8"),
    Recipe("rank 64", "--rank", "64", "--alpha", "128"),
    Recipe("rank 64, rank-stabilised", "--rank", "64", "--alpha", "32", "--rank-stabilised"),
    Recipe("rank 64, rate 1e-4", "--rank", "64", "--alpha", "128", rate="1e-4"),
    Recipe("attention's matrices only, rate 1e-4", "--matrices", "q", "k", "v", "o", rate="1e-4"),
    Recipe("norms too, rate 1e-4", "--train-also", "norms", rate="1e-4"),
    Recipe("PoSE over 32K, rate 1e-4", "--pose", "32k", rate="1e-4"),
    Recipe("linear x2, rate 1e-4", *STRETCH, lengths=STRETCHED, rate="1e-4"),
    Recipe("YaRN x2, rate 1e-4", *STRETCH, "--rope-scaling", "yarn:2", lengths=STRETCHED, rate="1e-4"),
    Recipe("NTK-aware x2, rate 1e-4", *STRETCH, "--rope-scaling", "ntk:2", lengths=STRETCHED, rate="1e-4"),
    Recipe("linear x2, PoSE over 64K, rate 1e-4", "--context", "2k", "--pose", "64k", lengths=STRETCHED, rate="1e-4"),
    Recipe("lists of 700 to 4,000, rate 1e-4", data="mixed", rate="1e-4"),
    Recipe("linear x2, lists of 700 to 4,000, rate 1e-4", *STRETCH, data="mixed", lengths=STRETCHED, rate="1e-4"),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--tome", default="build/release/tome")
    parser.add_argument("--only", nargs="+", choices=[r.name for r in RECIPES], metavar="NAME", help="these recipes alone")
    arguments = parser.parse_args()
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)

    def tome(*words):
        subprocess.run([arguments.tome, *map(str, words)], check=True, stdout=subprocess.DEVNULL)

    for name, tokens in SETS.items():
        if not (folder / f"{name}.jsonl").exists():
            tome("data", "build", "--mix", "lines", "--rows", 40, "--tokens", tokens, "--questions", 16, "--seed", 2,
                 "--licence", "CC0-1.0", "-o", folder / f"{name}.jsonl")  # fmt: skip

    def score(run, flags, length, count):
        """The right answers at one length; the samples follow from the seed alone."""
        out = folder / "runs" / f"{run}-{length}"
        tome("eval", "--tasks", "lines", "--lengths", length, "--samples", count, "--set", f"lines.questions={QUESTIONS}",
             "--seed", 7, "--out", out, "-q", *flags)  # fmt: skip
        row = json.loads((out / "results.json").read_text())[0]
        assert row["n"] == count, row
        return f"{row['score']:.2f}"

    print("| recipe | loss, first three steps | last three | trained on, tokens | 4K | 16K | 32K | 64K |\n|" + "---|" * 8, flush=True)
    for recipe in RECIPES:
        if arguments.only and recipe.name not in arguments.only:
            continue
        run = "".join(c if c.isalnum() else "-" for c in recipe.name)
        out = folder / "adapters" / run
        tome("train", "--data", folder / f"{recipe.data}.jsonl", "--no-pack", "--steps", STEPS, "--warm-up", 2, "--samples", 0,
             "--out", out, "-q", *recipe.flags)  # fmt: skip
        log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
        losses = [step["loss"] for step in log]
        scores = {length: score(run, ["--adapter", out], length, count) for length, count in recipe.lengths.items()}
        cells = [f"{statistics.mean(losses[:3]):.2f}", f"{statistics.mean(losses[-3:]):.2f}", f"{sum(s['tokens'] for s in log):,}"]
        cells += [scores.get(length, "") for length in ("4k", "16k", "32k", "64k")]
        print("| " + " | ".join([recipe.name, *cells]) + " |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
