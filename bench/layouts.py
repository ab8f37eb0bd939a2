#!/usr/bin/env python3
"""Compares prompt layouts: how often the right answer stands in what `tome ask --layout L` says.

    bench/layouts.py run --books BOOKS --model gemma --layouts qa,qa-form [--kind short] [--first 20] [--closed-book]
    bench/layouts.py table
    bench/layouts.py answers --model gemma --layouts qa-form      # every question with what was said
    bench/layouts.py run --books BOOKS --model gemma --layouts qa-example --adapter FOLDER       # a trained adapter

Standard library only. Every result is a line of --cache (default build/layouts.jsonl) as soon as it is there, and a
question that stands there is not asked again: stop and resume at will, delete the file when a layout has changed.
The readings of one excerpt share a store of their own, so layouts that put nothing before the document read it once.
"""

import argparse
import collections
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "eval_sets"))
import check  # noqa: E402  (the scoring rule lives beside the questions)

# Answers of the worked examples in src/text/layout.cc: saying one of them is an echo.
EXAMPLE_ANSWERS = ("a story", "in a few words", "Oswin Tarrel", "Friday", "green")
MAX_TOKENS = 32


def excerpts(kind, first):
    """Questions of one kind, grouped by excerpt, in file order."""
    groups = {}
    for line in (ROOT / "eval_sets" / "novels.jsonl").read_text(encoding="utf-8").splitlines():
        item = json.loads(line)
        if item["kind"] == kind:
            groups.setdefault((item["book"], item["begin"], item["end"]), []).append(item)
    return list(groups.values())[:first]


def document(item, books, closed_book):
    """The excerpt; for the control only the book's title."""
    if closed_book:
        return pathlib.Path(item["book"]).stem.replace("-", " ").title().encode()
    return check.normalised(books / item["book"])[item["begin"]:item["end"]]


def read_cache(path):
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def ask(arguments, text, store, layout, questions):
    """One process: reads the text once, answers all questions from its standard input."""
    command = [arguments.tome, "ask", str(text), "--model", arguments.model, "--layout", layout, "--json", "--quiet",
               "--max-tokens", str(MAX_TOKENS), "--threads", str(arguments.threads), "--store", str(store)]
    if arguments.adapter:
        command += ["--adapter", str(arguments.adapter)]
    result = subprocess.run(command, input="".join(q + "\n" for q in questions), capture_output=True, text=True)
    if result.returncode != 0:
        raise SystemExit(f"layouts.py: {' '.join(command)}: {result.stderr.strip()}")
    return [json.loads(line)["answer"] for line in result.stdout.splitlines()]


def score(item, answer):
    line = next(iter(answer.strip().splitlines()), "")
    echo = check.fold(line).strip(" .\"'") in [check.fold(a) for a in EXAMPLE_ANSWERS]
    return {"right": any(check.contains(line, a) for a in item["answers"]), "echo": echo}


def f1(answer, accepted):
    """Harmonic mean of precision and recall of the first line's words, against the accepted answer that it is nearest to."""
    said = collections.Counter(re.findall(r"\w+", check.fold(next(iter(answer.strip().splitlines()), ""))))
    best = 0.0
    for words in (collections.Counter(re.findall(r"\w+", check.fold(a))) for a in accepted):
        best = max(best, 2 * sum((said & words).values()) / max(1, sum(said.values()) + sum(words.values())))
    return best


def shown_model(arguments):
    """What the cache calls the model: with its adapter."""
    return f"{arguments.model} + {arguments.adapter.name}" if arguments.adapter else arguments.model


def run(arguments):
    model = shown_model(arguments)
    kind = "closed-book" if arguments.closed_book else arguments.kind
    done = {(r["model"], r["layout"], r["kind"], r["id"]) for r in read_cache(arguments.cache)}
    arguments.cache.parent.mkdir(parents=True, exist_ok=True)
    for items in excerpts(arguments.kind, arguments.first):
        with tempfile.TemporaryDirectory(prefix="tome-layouts-") as folder:
            text = pathlib.Path(folder) / "excerpt.txt"
            text.write_bytes(document(items[0], arguments.books, arguments.closed_book))
            for layout in arguments.layouts:
                todo = [i for i in items if (model, layout, kind, i["id"]) not in done]
                if not todo:
                    continue
                answers = ask(arguments, text, pathlib.Path(folder) / "store", layout, [i["question"] for i in todo])
                with arguments.cache.open("a", encoding="utf-8") as cache:
                    for item, answer in zip(todo, answers, strict=True):
                        row = {"model": model, "layout": layout, "kind": kind, "id": item["id"], "answer": answer}
                        cache.write(json.dumps({**row, **score(item, answer)}, ensure_ascii=False) + "\n")
        print(items[0]["id"], flush=True)


def wilson(right, n):
    """95 % interval of a share, in per cent."""
    z, p = 1.96, right / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return 100 * (middle - half), 100 * (middle + half)


def all_questions():
    return {i["id"]: i for kind in ("short", "long", "whole") for items in excerpts(kind, None) for i in items}


def table(arguments):
    groups, questions = {}, all_questions()
    for row in read_cache(arguments.cache):
        groups.setdefault((row["model"], row["kind"], row["layout"]), []).append(row)
    print("| model | text | layout | questions | right | share | 95 % | F1 | echoes |\n|---|---|---|---|---|---|---|---|---|")
    order = {"short": 0, "long": 1, "whole": 2, "closed-book": 3}
    share = {key: sum(r["right"] for r in rows) / len(rows) for key, rows in groups.items()}
    for key in sorted(groups, key=lambda k: (k[0], order[k[1]], -share[k])):
        rows = groups[key]
        right = sum(r["right"] for r in rows)
        low, high = wilson(right, len(rows))
        mean = sum(f1(r["answer"], questions[r["id"]]["answers"]) for r in rows) / len(rows)
        print(f"| {key[0]} | {key[1]} | `{key[2]}` | {len(rows)} | {right} | {100 * share[key]:.0f} % "
              f"| {low:.0f}-{high:.0f} % | {mean:.2f} | {sum(r['echo'] for r in rows)} |")


def answers(arguments):
    questions = all_questions()
    for row in read_cache(arguments.cache):
        if row["model"] == shown_model(arguments) and row["layout"] in arguments.layouts:
            item = questions[row["id"]]
            print(f"{'+' if row['right'] else '-'} {row['layout']} {row['id']} {item['question']} "
                  f"[{item['answers'][0]}] {row['answer'].strip()!r}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("run", "table", "answers"))
    parser.add_argument("--tome", default=str(ROOT / "build" / "release" / "tome"), help="the program")
    parser.add_argument("--books", type=pathlib.Path, default=os.environ.get("TOME_DATA", "") + "/books", help="folder of the novels")
    parser.add_argument("--model", default="gemma")
    parser.add_argument("--adapter", type=pathlib.Path, help="a folder that tome train wrote")
    parser.add_argument("--layouts", type=lambda names: names.split(","), default=["qa", "qa-form"], help="names, separated by commas")
    parser.add_argument("--kind", choices=("short", "long", "whole"), default="short")
    parser.add_argument("--first", type=int, help="only so many excerpts")
    parser.add_argument("--closed-book", action="store_true", help="the control: only the title is read")
    parser.add_argument("--threads", type=int, default=1, help="2 is faster on an idle machine, far slower on a busy one")
    parser.add_argument("--cache", type=pathlib.Path, default=ROOT / "build" / "layouts.jsonl")
    arguments = parser.parse_args()
    {"run": run, "table": table, "answers": answers}[arguments.action](arguments)


if __name__ == "__main__":
    main()
