#!/usr/bin/env python3
"""Checks the question sets of eval_sets/detective against the books they ask about.

    eval_sets/check_detective.py [BOOKS]

Without BOOKS only the sets over texts of our own are checked. Standard library only; the rules are in README.md.
Exit 0: all good; 2: an input is missing; 3: a check failed.
"""

import collections
import hashlib
import json
import pathlib
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import check  # noqa: E402

KINDS = ("who", "why", "how", "clue", "suspect", "identity", "order", "detail")
FIELDS = {"question": str, "answers": list, "where": int, "kind": str}
MAY = {"book", "text", "sha256"}


def field_faults(row):
    for name, kind in FIELDS.items():
        if type(row.get(name)) is not kind:
            yield f"{name}: got {row.get(name)!r}, expected {kind.__name__}"
    for name in MAY & row.keys():
        if not isinstance(row[name], str):
            yield f"{name}: got {row[name]!r}, expected str"
    if ("book" in row) == ("text" in row):
        yield "expected either book or text"
    for name in row.keys() - FIELDS.keys() - MAY:
        yield f"{name}: no such field"


def row_faults(row, text):
    if row["kind"] not in KINDS:
        yield f"kind: got {row['kind']!r}, expected one of {', '.join(KINDS)}"
    if not row["question"].endswith("?"):
        yield "the question does not end with a question mark"
    if text[row["where"]:row["where"] + 1].isspace():
        yield f"where {row['where']} is at white space, not at the start of a sentence"
    begin, end, where = *check.whole_body(text), row["where"]
    if not begin <= where < end:
        yield f"where {where} is outside the book, which is [{begin}, {end})"
        return
    near = {"begin": max(begin, where - check.NEAR), "end": min(end, where + check.NEAR)}
    yield from check.answer_faults({**row, **near}, text)


def set_faults(rows, text, expected):
    """Of one file: all rows about one text; the first says which edition."""
    named = {row.get("book") or row.get("text") for row in rows}
    if len(named) != 1:
        yield f"asks about {len(named)} texts, expected one"
    if rows[0].get("sha256") != expected:
        yield f"sha256 of the first row is {rows[0].get('sha256')}, expected {expected}"
    questions = collections.Counter(check.fold(row["question"]) for row in rows)
    for question, count in questions.items():
        if count > 1:
            yield f"asked {count} times: {question}"
    for number, row in enumerate(rows, 1):
        yield from (f"{number}: {fault}" for fault in row_faults(row, text))


def check_file(path, books):
    """Rows and faults of one file; no rows when its book is not at hand."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    faults = [f"{number}: {fault}" for number, row in enumerate(rows, 1) for fault in field_faults(row)]
    if faults or not rows:
        return rows, faults or ["is empty"]
    if "text" in rows[0]:
        text = check.normalised(path.parent / rows[0]["text"])
    elif books is None:
        return [], []
    else:
        text = check.normalised(books / rows[0]["book"])
    return rows, list(set_faults(rows, text, hashlib.sha256(text).hexdigest()))


def main(arguments):
    if len(arguments) > 1 or (arguments and arguments[0].startswith("-")):
        print("usage: check_detective.py [BOOKS]", file=sys.stderr)
        return 2
    books = pathlib.Path(arguments[0]) if arguments else None
    failed, counts = False, collections.Counter()
    for path in sorted((HERE / "detective").glob("*.jsonl")):
        try:
            rows, faults = check_file(path, books)
        except (OSError, UnicodeDecodeError) as error:
            print(f"check_detective.py: {error}", file=sys.stderr)
            return 2
        except ValueError as error:
            rows, faults = [], [f"not JSON: {error}"]
        for fault in faults:
            print(f"check_detective.py: {path.name}:{fault}", file=sys.stderr)
        failed = failed or bool(faults)
        print(f"{path.stem}: " + (f"{len(rows)} questions" if rows else "not checked, its book is not given"))
        counts.update(row.get("kind") for row in rows)
    print(", ".join(f"{kind} {count}" for kind, count in counts.most_common()))
    return 3 if failed or not counts else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
