#!/usr/bin/env python3
"""Checks a question set against the folder of books it asks about.

    eval_sets/check.py BOOKS [SET.jsonl]

Standard library only. The rules are in eval_sets/README.md, as are the checksums
of the books. Exit 0: all good; 2: an input is missing; 3: a check failed.
"""

import collections
import hashlib
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
WORDS = {"short": (500, 1500), "long": (6000, 15000)}
TYPES = ("who", "what", "where", "when", "why", "how many", "which", "quote")
FIELDS = {"id": str, "book": str, "begin": int, "end": int, "kind": str,
          "question": str, "answers": list, "where": int, "type": str}
NEAR = 600  # bytes either side of `where` in which the answer has to stand
STRAIGHT = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "_": None})
CHECKSUM = re.compile(r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$", re.M)


def normalised(path):
    """The bytes that offsets count: BOM dropped, CRLF as LF."""
    return path.read_bytes().removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")


def fold(text):
    """What a scorer compares: case, quote style, emphasis marks and line breaks do not count."""
    return " ".join(text.translate(STRAIGHT).lower().split())


def contains(text, answer):
    return re.search(r"(?<!\w)" + re.escape(fold(answer)) + r"(?!\w)", fold(text)) is not None


def accepted(output, answers):
    """An accepted answer stands in the output's first line that is not blank."""
    lines = [line for line in output.split("\n") if fold(line)]
    return bool(lines) and any(contains(lines[0], answer) for answer in answers)


def whole_body(text):
    """Bounds of the novel inside the Project Gutenberg header and footer lines."""
    start = re.search(rb"\*\*\* START OF THIS PROJECT[^\n]*\n", text)
    stop = re.search(rb"\n[^\n]*\n+\*\*\* END OF THIS PROJECT", text)
    return (start.end(), stop.start()) if start and stop else (0, len(text))


def field_faults(item):
    for name, kind in FIELDS.items():
        if type(item.get(name)) is not kind:
            yield f"{name}: got {item.get(name)!r}, expected {kind.__name__}"
    if not isinstance(item.get("literal", True), bool):
        yield f"literal: got {item['literal']!r}, expected true or false"
    for name in item.keys() - FIELDS.keys() - {"literal"}:
        yield f"{name}: no such field"


def bound_faults(item, text):
    begin, end = item["begin"], item["end"]
    if not 0 <= begin < end <= len(text):
        yield f"excerpt [{begin}, {end}) is not inside a text of {len(text)} bytes"
        return
    if (begin and text[begin - 2:begin] != b"\n\n") or text[begin:begin + 1] == b"\n":
        yield f"begin {begin} is not at the start of a paragraph"
    if (end < len(text) and text[end:end + 2] != b"\n\n") or text[end - 1:end] == b"\n":
        yield f"end {end} is not at the end of a paragraph"


def length_faults(item, text):
    begin, end, kind = item["begin"], item["end"], item["kind"]
    if kind == "whole":
        first, last = whole_body(text)
        if not (first <= begin <= first + 300 and last - 300 <= end <= last):
            yield f"[{begin}, {end}) is not the whole novel, which is within [{first}, {last})"
    elif kind in WORDS:
        words = len(text[begin:end].decode("utf-8", "replace").split())
        low, high = WORDS[kind]
        if not low <= words <= high:
            yield f"{words} words, expected {low} to {high} for kind {kind}"
    else:
        yield f"kind: got {kind!r}, expected short, long or whole"


def answer_faults(item, text):
    begin, end, where, answers = item["begin"], item["end"], item["where"], item["answers"]
    if not answers or not all(isinstance(a, str) and 1 <= len(a.split()) <= 8 for a in answers):
        yield f"answers: got {answers!r}, expected strings of one to eight words"
        return
    for answer in answers:
        if contains(item["question"], answer):
            yield f"the question gives away the answer {answer!r}"
    if not begin <= where < end:
        yield f"where {where} is outside the excerpt [{begin}, {end})"
        return
    if not item.get("literal", True):
        return
    excerpt = text[begin:end].decode("utf-8", "replace")
    near = text[max(begin, where - NEAR):min(end, where + NEAR)].decode("utf-8", "replace")
    if not any(contains(excerpt, answer) for answer in answers):
        yield f"none of {answers!r} stands in the excerpt"
    elif not any(contains(near, answer) for answer in answers):
        yield f"none of {answers!r} stands within {NEAR} bytes of where {where}"


def item_faults(item, books):
    faults = list(field_faults(item))
    if faults:
        return faults
    if item["type"] not in TYPES:
        faults.append(f"type: got {item['type']!r}, expected one of {', '.join(TYPES)}")
    if not item["question"].endswith("?"):
        faults.append("the question does not end with a question mark")
    text = books.get(item["book"])
    if text is None:
        return faults + [f"book: {item['book']!r} is not in the table of README.md"]
    outside = list(bound_faults(item, text))
    if outside:
        return faults + outside
    return faults + list(length_faults(item, text)) + list(answer_faults(item, text))


def load_books(folder):
    """Normalised text of every book in README.md's table, and the checksums that differ."""
    books, faults = {}, []
    for name, expected in CHECKSUM.findall((HERE / "README.md").read_text(encoding="utf-8")):
        books[name] = normalised(folder / name)
        got = hashlib.sha256(books[name]).hexdigest()
        if got != expected:
            faults.append(f"{name}: SHA-256 is {got}, expected {expected}; it is another edition")
    return books, faults


def load_items(path):
    items, faults, seen = [], [], set()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            item = json.loads(line)
        except ValueError as error:
            faults.append(f"line {number}: not JSON: {error}")
            continue
        if not isinstance(item, dict):
            faults.append(f"line {number}: not a JSON object")
        elif str(item.get("id")) in seen:
            faults.append(f"line {number}: id {item.get('id')!r} is used twice")
        else:
            seen.add(str(item.get("id")))
            items.append(item)
    return items, faults


def print_counts(items):
    for name in ("kind", "type", "book"):
        counts = collections.Counter(item[name] for item in items)
        print(f"{name}: " + ", ".join(f"{key} {count}" for key, count in counts.most_common()))
    excerpts = {(item["book"], item["begin"], item["end"]) for item in items}
    print(f"{len(items)} questions over {len(excerpts)} excerpts")


def main(arguments):
    if len(arguments) not in (1, 2) or arguments[0].startswith("-"):
        print("usage: check.py BOOKS [SET.jsonl]", file=sys.stderr)
        return 2
    try:
        books, faults = load_books(pathlib.Path(arguments[0]))
        items, more = load_items(pathlib.Path((arguments + [HERE / "novels.jsonl"])[1]))
    except (OSError, UnicodeDecodeError) as error:
        print(f"check.py: {error}", file=sys.stderr)
        return 2
    faults += more
    for item in items:
        faults += [f"{item.get('id')}: {fault}" for fault in item_faults(item, books)]
    for fault in faults:
        print(f"check.py: {fault}", file=sys.stderr)
    if faults or not items:
        print(f"check.py: {len(faults)} faults in {len(items)} questions", file=sys.stderr)
        return 3
    print_counts(items)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
