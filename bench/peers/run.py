#!/usr/bin/env python3
"""Measures tome and the peers it is compared with, in turn, in one run.

    bench/peers/run.py [--tome build/release/tome | --no-tome] [--cases REGEX] [--rounds 5] [--json FILE]

The first round tries every variant of a peer (types, -fa 0/1, attention back ends); the later ones only the fastest of
each. From 16K on only the variant that was the fastest at the length before is tried. Peers come from setup.py.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import re
import shlex
import shutil
import statistics
import sys

import contenders
import setup
from contenders import Case, Contender, Sample

LONG = 16 * 1024
QUIET_LIMIT = 0.1  # cores that other programs may use before a figure is called disturbed
PREFILL_LENGTHS = (512, 2048, 8192, 32768)
DECODE_DEPTHS = (0, 8192)
OTHER_TYPES = {"smollm2": ("BF16", "Q4_0"), "gemma": ("BF16",)}
OWN_TYPE = {"smollm2": "Q4_1", "gemma": "Q4_K_M"}

# What tome aims at, as multiples of a peer: the fastest llama.cpp, OpenVINO, or the faster of both ("any").
BARS = {
    Case("smollm2", "prefill", 512): {"openvino": 1.5, "llama.cpp": 1.2},
    Case("smollm2", "prefill", 2048): {"openvino": 1.1},
    Case("smollm2", "prefill", 8192): {"openvino": 1.15},
    Case("smollm2", "prefill", 32768): {"openvino": 1.5},
    Case("gemma", "prefill", 8192): {"llama.cpp": 2.0},
    Case("gemma", "prefill", 32768): {"llama.cpp": 2.5},
    Case("smollm2", "decode", 0): {"any": 1.1},
    Case("smollm2", "decode", 8192): {"any": 2.0},
    Case("gemma", "decode", 0): {"any": 1.1},
    Case("gemma", "decode", 8192): {"any": 1.5},
}


def all_cases() -> list[Case]:
    cases = []
    for model in OWN_TYPE:
        cases += [Case(model, "prefill", tokens) for tokens in PREFILL_LENGTHS]
        cases += [Case(model, "decode", depth) for depth in DECODE_DEPTHS]
    return cases


def variants(case: Case, options: argparse.Namespace) -> list[Contender]:
    """Every contender for one case. Decoding is compared on the same file only."""
    folder, threads, new_tokens = options.folder, options.threads, options.new_tokens
    found = []
    if options.tome:
        found.append(contenders.tome(options.tome, options.models, shlex.split(options.tome_flags)))
    if case.model == "smollm2":  # OpenVINO cannot open Gemma's file
        found += [contenders.openvino(folder, options.models, threads, new_tokens, b) for b in ("PA", "SDPA")]
    files = [(OWN_TYPE[case.model], options.models[case.model], "as-is")]
    if case.kind == "prefill":
        files += [(t, contenders.converted(folder, case.model, options.models[case.model], t, threads), "other")
                  for t in OTHER_TYPES[case.model]]
    found += [contenders.llama(folder, path, t, group, threads, new_tokens, flash)
              for t, path, group in files for flash in (0, 1)]
    return [c for c in found if re.search(options.contenders, c.name)]


def median_speed(samples: list[Sample]) -> float:
    return statistics.median(s.tokens_per_second for s in samples)


def fastest(results: dict[str, list[Sample]], names: list[str]) -> str | None:
    measured = [n for n in names if results.get(n)]
    return max(measured, key=lambda n: median_speed(results[n]), default=None)


def keep_fastest(candidates: list[Contender], results: dict[str, list[Sample]],
                 family: dict[str, str]) -> list[Contender]:
    """Of each family only the contender that was the fastest in `results`; all of a family without any result."""
    kept = []
    for candidate in candidates:
        names = [c.name for c in candidates if family[c.group] == family[candidate.group]]
        if fastest(results, names) in (None, candidate.name):
            kept.append(candidate)
    return kept


BY_GROUP = {g: g for g in ("tome", "openvino", "as-is", "other")}
BY_PROGRAM = {**BY_GROUP, "as-is": "llama.cpp", "other": "llama.cpp"}


def run_case(case: Case, options: argparse.Namespace, shorter: dict[str, list[Sample]]) -> tuple[dict, bool]:
    """Samples by contender's name, and whether every measurement succeeded."""
    in_turn = variants(case, options)
    if case.length >= LONG:
        in_turn = keep_fastest(in_turn, shorter, BY_PROGRAM)
    results: dict[str, list[Sample]] = {}
    complete = True
    for round_number in range(options.long_rounds if case.length >= LONG else options.rounds):
        for contender in in_turn:
            try:
                sample = contenders.measure(contender, case)
            except (RuntimeError, ValueError, LookupError, OSError) as error:
                print(f"{case}: {error}", file=sys.stderr)
                complete = False
                continue
            results.setdefault(contender.name, []).append(sample)
            disturbed = sample.cores_busy_elsewhere > QUIET_LIMIT
            print(f"{case}, round {round_number + 1}: {contender.name}: {sample.tokens_per_second:.1f} tokens/s"
                  + f", DISTURBED: others used {sample.cores_busy_elsewhere:.1f} cores" * disturbed, file=sys.stderr)
        in_turn = keep_fastest(in_turn, results, BY_GROUP)
    return results, complete


def summary(case: Case, results: dict[str, list[Sample]], complete: bool) -> dict:
    """The medians of one case, tome's ratio to the fastest of each program, and the bars."""
    llama = fastest(results, [n for n in results if n.startswith("llama.cpp")])
    openvino = fastest(results, [n for n in results if n.startswith("openvino")])
    rivals = {"llama.cpp": llama, "openvino": openvino,
              "any": fastest(results, [n for n in (llama, openvino) if n])}
    speeds = {name: median_speed(samples) for name, samples in results.items()}
    ratios = {rival: speeds["tome"] / speeds[name] for rival, name in rivals.items() if name and "tome" in speeds}
    return {
        "model": case.model, "kind": case.kind, "length": case.length,
        "contenders": {name: {
            "tokens_per_second": speeds[name],
            "samples": [dataclasses.asdict(s) for s in samples],
        } for name, samples in results.items()},
        "fastest": rivals, "tome_ratio": ratios, "complete": complete, "bars": BARS.get(case, {}),
    }


def memory_text(samples: list[dict]) -> str:
    private = [s["peak_private_bytes"] for s in samples if s["peak_private_bytes"] is not None]
    rss = max(s["peak_rss_bytes"] for s in samples) / 2**20
    return f"{rss:.0f}" + (f" ({max(private) / 2**20:.0f} private)" if private else "")


def bar_text(item: dict, name: str) -> str:
    """The bars that tome has to reach against this contender, each with whether it does."""
    rivals = [rival for rival, fastest_name in item["fastest"].items() if fastest_name == name]
    words = []
    for rival in rivals:
        if rival in item["bars"] and rival in item["tome_ratio"]:
            verdict = "met" if item["tome_ratio"][rival] >= item["bars"][rival] else "short"
            words.append(f"{item['bars'][rival]}x {verdict}")
    return ", ".join(words)


def print_table(summaries: list[dict]) -> None:
    print("| case | contender | tokens/s | runs | peak RSS, MiB | tome is faster by | bar |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for item in summaries:
        case = Case(item["model"], item["kind"], item["length"])
        tome = item["contenders"].get("tome")
        for name, values in item["contenders"].items():
            speed = values["tokens_per_second"]
            ratio = f"{tome['tokens_per_second'] / speed:.2f}x" if tome and name != "tome" else ""
            print(f"| {case} | {name} | {speed:.1f} | {len(values['samples'])} | {memory_text(values['samples'])} "
                  f"| {ratio} | {bar_text(item, name)} |")


def cpu_name() -> str:
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def parse_options() -> argparse.Namespace:
    data = pathlib.Path(os.environ.get("XDG_DATA_HOME") or pathlib.Path.home() / ".local/share") / "tome" / "models"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=pathlib.Path, default=setup.default_folder(), help="what setup.py was given")
    parser.add_argument("--tome", default="build/release/tome", help="the program (default %(default)s)")
    parser.add_argument("--no-tome", action="store_const", const=None, dest="tome", help="measure the peers only")
    parser.add_argument("--tome-flags", default="", help="more flags for `tome bench`, one string")
    parser.add_argument("--smollm2", default=str(data / "smollm2.gguf"))
    parser.add_argument("--gemma", default=str(data / "gemma.gguf"))
    parser.add_argument("--cases", default="", help="only cases matching this, as 'smollm2 prefill (512|2K)'")
    parser.add_argument("--contenders", default="", help="only contenders matching this, as 'tome|openvino'")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--long-rounds", type=int, default=1, help="rounds from 16K on")
    parser.add_argument("--new-tokens", type=int, default=64, help="tokens that a decode measurement makes")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=pathlib.Path, help="write every sample here")
    options = parser.parse_args()
    if options.tome and not shutil.which(options.tome):
        parser.error(f"--tome: no program {options.tome}: build it, or measure the peers only with --no-tome")
    options.models = {"smollm2": options.smollm2, "gemma": options.gemma}
    options.folder = options.folder.resolve()
    return options


def main() -> None:
    options = parse_options()
    summaries, shorter = [], {}
    for case in all_cases():
        if not re.search(options.cases, str(case)):
            continue
        results, complete = run_case(case, options, shorter.get((case.model, case.kind), {}))
        shorter[case.model, case.kind] = results
        summaries.append(summary(case, results, complete))
        if options.json:  # after every case: an interrupted run keeps what it measured
            report = {"cpu": cpu_name(), "threads": options.threads, "cases": summaries,
                      "packages": [setup.OPENVINO_GENAI, setup.LLAMA_CPP]}
            options.json.write_text(json.dumps(report, indent=1) + "\n")
    print_table(summaries)
    if not all(item["complete"] for item in summaries):
        raise SystemExit("peers: some measurements failed, see above")


if __name__ == "__main__":
    main()
