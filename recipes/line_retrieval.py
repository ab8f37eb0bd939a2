#!/usr/bin/env python3
"""Line retrieval: a list of `id: value` lines and a question for the value of one id.

    recipes/line_retrieval.py train --tokens 700-1000 --lists 200 --out train.jsonl
    recipes/line_retrieval.py test --tokens 4k --lists 4 --questions 26 --out tests/4k.jsonl
    recipes/line_retrieval.py evaluate --label before tests/4k.jsonl
    recipes/line_retrieval.py evaluate --label after --adapter my-adapter tests/4k.jsonl
    recipes/line_retrieval.py table

Standard library only. Lists follow from --seed alone. A test list shares no id and no wording with any training list.
`evaluate` reads each list once and asks all its questions of that reading; every answer is a line of --cache
(default build/line_retrieval.jsonl) as soon as it is there and is not asked again, so stop and resume at will.
"""

import argparse
import json
import pathlib
import random
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench"))
from layouts import read_cache, wilson  # noqa: E402


def words(text):
    return text.split()


ADJECTIVES = words("""amber ancient autumn azure bitter blue bold brass brave brief bright brisk broad bronze calm careful cedar
chilly clever cloudy coastal copper coral cosy crimson crisp curious damp daring dawn deep distant double dusty eager
early eastern ebony empty evening fabled faint fancy final floral fluent foggy formal frosty gentle giant gilded glassy
golden grand green grey happy hazel hidden hollow honest humble idle indigo inner ivory jade jolly keen kind late lean
lemon level light lively lone lunar marble mellow merry mild misty modest mossy narrow neat noble northern olive opal
pale patient pearl plain polar proud quick quiet rapid ruby rustic salty scarlet silent silver simple slender solar
southern steady stormy sunny swift tidy velvet violet wild winter""")
NOUNS = words("""acorn anchor anvil apple arrow badger barley basin beacon beetle bell birch bishop bottle bridge brook bucket
button cabin camel candle canyon carpet castle cellar cherry chisel clock clover cobbler comet cradle crane cricket dagger
daisy donkey dragon drum eagle ember falcon feather fern ferry fiddle finch flute forest fossil fountain fox garden
glacier goose gravel hammer harbour harp hawk heron hill island jacket kettle ladder lantern lark lily lizard magnet
mallet maple marsh meadow mill mirror moth nettle nutmeg oak orchard otter owl paddle parrot pebble pepper pigeon pillow
pine planet plough pocket prairie quarry rabbit raven ribbon river robin saddle sparrow spruce thistle tower trumpet
turnip valley walnut willow window""")

# (line, question, Gemma's tokens of a line with its line end).
TRAIN_WORDINGS = (
    ("{id}: {value}", "What is the value of {id}?", 11.8),
    ("Locker {id} holds the number {value}.", "Which number does locker {id} hold?", 16.5),
    ("{id} -> {value}", "Which number belongs to {id}?", 11.8),
    ("Entry {id} has the code {value};", "What is the code of entry {id}?", 15.5),
    ("- the register says {value} for {id}", "What does the register say for {id}?", 15.5),
    ("{id} = {value}", "What is {id}?", 11.8),
)
TEST_WORDINGS = (
    ("The key of room {id} is {value}.", "What is the key of room {id}?", 16.5),
    ("Ship {id}: {value} crates", "How many crates has ship {id}?", 13.4),
)


def ids(kind, generator, count):
    """Pairs of words; training and test take those of even and of odd sum of places, so they share none."""
    odd = kind == "test"
    pairs = [f"{a}-{n}" for i, a in enumerate(ADJECTIVES) for j, n in enumerate(NOUNS) if (i + j) % 2 == odd]
    if count > len(pairs):
        raise SystemExit(f"line_retrieval.py: a list of {count} lines, expected at most {len(pairs)}; ask for fewer --tokens")
    return generator.sample(pairs, count)


def make_list(kind, number, low, high, questions, seed):
    """One row of data: a list of `low` to `high` tokens and distinct questions about it."""
    generator = random.Random(f"{kind} {seed} {number}")
    wordings = TEST_WORDINGS if kind == "test" else TRAIN_WORDINGS
    line, question, line_tokens = wordings[number % len(wordings)]
    count = max(2, int(low * (high / low) ** generator.random() / line_tokens))  # lengths even on a log scale
    entries = [(name, str(generator.randrange(10000, 100000))) for name in ids(kind, generator, count)]
    asked = sorted(generator.sample(range(count), min(questions, count)))
    return {
        "document": "\n".join(line.format(id=name, value=value) for name, value in entries),
        "questions": [{"question": question.format(id=entries[i][0]), "answer": entries[i][1],
                       "depth": round(i / (count - 1), 3)} for i in asked],
        "lines": count,
    }


def tokens(text):
    """`900`, `4k` or a range of them."""
    sizes = [int(part[:-1]) * 1024 if part.endswith("k") else int(part) for part in text.lower().split("-")]
    if len(sizes) > 2 or sizes != sorted(sizes) or sizes[0] < 40:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected 40 or more tokens or a range of them, such as 700-4k")
    return sizes[0], sizes[-1]


def write(arguments):
    low, high = arguments.tokens
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    with arguments.out.open("w", encoding="utf-8") as out:
        for number in range(arguments.lists):
            row = make_list(arguments.action, number, low, high, arguments.questions, arguments.seed)
            out.write(json.dumps(row) + "\n")


def right(said, expected):
    """The only number in the first line is the expected one; words around it do not matter."""
    line = next(iter(said.strip().splitlines()), "")
    return re.findall(r"\d+", re.sub(r"(?<=\d),(?=\d{3})", "", line)) == [expected]


def ask(arguments, document, store, questions):
    """Answers as they come, of one process that reads the document once."""
    command = [*shlex.split(arguments.tome), "ask", str(document), "--json", "--quiet", "--max-tokens", "16",
               "--store", str(store), *shlex.split(arguments.flags)]
    if arguments.adapter:
        command += ["--adapter", arguments.adapter]
    with tempfile.TemporaryFile("w+") as given:
        given.write("".join(q["question"] + "\n" for q in questions))
        given.seek(0)
        with subprocess.Popen(command, stdin=given, stdout=subprocess.PIPE, text=True) as program:
            yield from map(json.loads, program.stdout)
    if program.returncode != 0:
        raise SystemExit(f"line_retrieval.py: {shlex.join(command)}: exit code {program.returncode}")


def evaluate(arguments):
    done = {(r["label"], r["set"], r["list"], r["question"]) for r in read_cache(arguments.cache)}
    arguments.cache.parent.mkdir(parents=True, exist_ok=True)
    work = arguments.cache.with_suffix(f".{arguments.label}.work")  # the reading outlives a stop between two questions
    for path in arguments.tests:
        for number, text in enumerate(path.read_text(encoding="utf-8").splitlines()):
            row = json.loads(text)
            todo = [q for q in row["questions"] if (arguments.label, path.stem, number, q["question"]) not in done]
            if not todo:
                continue
            work.mkdir(exist_ok=True)
            (work / "list.txt").write_text(row["document"], encoding="utf-8")
            with arguments.cache.open("a", encoding="utf-8") as cache:
                for question, answer in zip(todo, ask(arguments, work / "list.txt", work / "store", todo)):
                    cache.write(json.dumps({
                        "label": arguments.label, "set": path.stem, "list": number, **question, "said": answer["answer"],
                        "right": right(answer["answer"], question["answer"]), "tokens": answer["tokens"]["document"],
                        "read_seconds": answer["seconds"]["read"]}) + "\n")
                    cache.flush()
            shutil.rmtree(work)
            print(f"{arguments.label}: list {number} of {path.stem}", flush=True)


def table(arguments):
    cells = {}
    for row in read_cache(arguments.cache):
        cells.setdefault((row["set"], row["label"]), []).append(row)
    print("| set | tokens | adapter | lists | questions | right | share | 95 % | first, second, last third of the list |")
    print("|---|---|---|---|---|---|---|---|---|")
    for (name, label), rows in sorted(cells.items(), key=lambda cell: cell[1][0]["tokens"]):
        count = sum(r["right"] for r in rows)
        low, high = wilson(count, len(rows))
        thirds = []
        for third in range(3):
            part = [r["right"] for r in rows if min(2, int(3 * r["depth"])) == third]
            thirds.append(f"{sum(part)}/{len(part)}")
        length = round(sum(r["tokens"] for r in rows) / len(rows))
        print(f"| {name} | {length:,} | {label} | {len({r['list'] for r in rows})} | {len(rows)} | {count} "
              f"| {100 * count / len(rows):.0f} % | {low:.0f}-{high:.0f} % | {', '.join(thirds)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    actions = parser.add_subparsers(dest="action", required=True)
    for kind in ("train", "test"):
        action = actions.add_parser(kind, help=f"write lists to {'learn from' if kind == 'train' else 'ask about'}")
        action.add_argument("--tokens", type=tokens, required=True, help="of a list, e.g. 4k or 700-1000")
        action.add_argument("--lists", type=int, required=True)
        action.add_argument("--questions", type=int, default=16, help="of a list")
        action.add_argument("--seed", type=int, default=1)
        action.add_argument("--out", type=pathlib.Path, required=True)
        action.set_defaults(run=write)
    action = actions.add_parser("evaluate", help="ask tome and keep the answers")
    action.add_argument("tests", type=pathlib.Path, nargs="+")
    action.add_argument("--label", required=True, help="what the table calls these answers")
    action.add_argument("--adapter", help="a folder that tome train wrote")
    action.add_argument("--tome", default=str(ROOT / "build" / "release" / "tome"), help="the program")
    action.add_argument("--flags", default="", help="more flags of tome ask, e.g. '--context 64k'")
    action.set_defaults(run=evaluate)
    actions.add_parser("table", help="the answers so far").set_defaults(run=table)
    for name in ("evaluate", "table"):
        actions.choices[name].add_argument("--cache", type=pathlib.Path, default=ROOT / "build" / "line_retrieval.jsonl")
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
