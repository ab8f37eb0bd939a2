#!/usr/bin/env python3
"""Questions whose answers a text provably says, over excerpts of a folder of plain-text novels.

    recipes/novel_questions.py NOVELS --words 250-700 --excerpts 400 --out qa.jsonl
    recipes/novel_questions.py NOVELS --excerpts 30 --show       # to read by eye
    recipes/novel_questions.py NOVELS --plain 300 --words 100-900 --out texts.jsonl    # rows {"text": ...}, no questions

Standard library only. The novels are the user's own plain-text files; Project Gutenberg's header and licence are left out.
The novels of eval_sets/ are for measuring, so a text of one of them is refused, under any name.

Each template turns a sentence of the excerpt into a question and keeps the answer as it stands there. A question is kept
only if its clue stands in the excerpt once, so that no other answer is possible, and if the question does not hold the
answer.
"""

import argparse
import collections
import itertools
import json
import pathlib
import random
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "eval_sets"))
import check  # noqa: E402  (how texts are normalised and answers compared)

TITLE = r"(?:Mr|Mrs|Miss|Dr|Sir|Lady|Lord|Captain|Colonel|Uncle|Aunt|Madame|Count|Professor)\.? "
NAME = rf"(?:{TITLE})?[A-Z][a-z]+(?: (?:(?:van|de|von) )?[A-Z][a-z]+)?"
SAYS = "said|cried|answered|replied|asked|exclaimed|returned|whispered|murmured|shouted|inquired|remarked|observed"
NOT_NAMES = set(["A", "All", "An", "And", "As", "At", "Ah", "Be", "But", "By", "Come", "For", "From", "God", "Good", "Had", "Have", "He", "Heaven", "Her", "Here", "His", "How", "I", "If", "In", "Is", "It", "Its", "Let", "My", "Never", "No", "Nor", "Not", "Nothing", "Now", "Of", "Oh", "On", "One", "Or", "Our", "She", "So", "Some", "Such", "That", "The", "Their", "Then", "There", "These", "They", "This", "Those", "Thou", "Thus", "To", "Two", "Upon", "Was", "We", "Well", "What", "When", "Where", "Which", "While", "Who", "Why", "With", "Yes", "You", "Your", "Yet", "Chapter", "Everything", "Somebody", "Nobody", "Everybody", "Someone", "Something", "Presently", "Suddenly", "Each", "Both", "Many", "Few", "More", "Most", "Once", "Perhaps", "Even", "Only", "Still", "Again", "After", "Before", "Until", "Though", "Although", "Because", "Since", "Whether", "Another", "Other", "Whatever", "Dear", "Poor", "Old", "Little", "Just", "Do", "Did", "Can", "Could", "Would", "Should", "Shall", "Will", "May", "Might", "Must", "Please", "Every", "Nay", "Any", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "January", "February", "March", "April", "June", "July", "August", "September", "October", "November", "December", "Lord", "Sir", "Miss", "Lady", "Captain", "Father", "Mother", "Gentlemen", "English", "French", "German", "American", "Indian", "Christian", "Englishman", "Frenchman", "Like", "Being", "Having", "Day", "Half", "Three", "Four", "Five", "Mrs", "Mr", "Dr", "Does", "Doctor", "Us", "Me", "Him", "Them", "Mine", "Hers", "Yours", "Towards", "Under", "Over", "Near", "Between", "During", "Without", "Within", "Against", "About", "Above", "Below", "Seeing", "Looking", "Long", "Very", "Too", "Much", "Thank", "Hush", "Hark", "Alas", "Indeed", "Certainly", "Of", "course", "Look", "See", "Go"])
NUMBERS = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
COLOURS = ["white", "black", "red", "blue", "green", "yellow", "grey", "gray", "brown", "pink", "purple", "scarlet", "crimson", "golden", "silver"]
# Past tense and the form that stands after "did".
VERBS = dict(pair.split("/") for pair in ["took/take", "saw/see", "found/find", "gave/give", "held/hold", "drew/draw", "wore/wear", "bought/buy", "heard/hear", "brought/bring", "carried/carry", "opened/open", "closed/close", "shut/shut", "lifted/lift", "raised/raise", "picked/pick", "seized/seize", "caught/catch", "threw/throw", "dropped/drop", "kissed/kiss", "wrote/write", "read/read", "sent/send", "put/put", "laid/lay", "placed/place", "left/leave", "lit/light", "broke/break", "tore/tear", "cut/cut", "kept/keep", "lost/lose", "won/win", "built/build", "ate/eat", "drank/drink", "made/make", "pulled/pull", "pushed/push", "struck/strike", "touched/touch", "turned/turn", "shook/shake", "showed/show", "hid/hide", "told/tell", "asked/ask", "called/call", "followed/follow", "reached/reach", "entered/enter", "received/receive", "stole/steal", "sold/sell", "wanted/want", "loved/love", "hated/hate", "watched/watch", "examined/examine", "noticed/notice", "handed/hand", "offered/offer", "produced/produce", "crossed/cross"])
MORE_PAST = ["went", "came", "stood", "sat", "ran", "rose", "fell", "lay", "spoke", "began", "stopped", "walked", "returned", "looked", "smiled", "laughed", "started", "nodded", "turned", "remained", "continued", "paused", "bowed", "hesitated", "stepped", "leaned", "appeared", "seemed", "knew", "felt", "thought", "arrived", "died", "slept", "woke", "lived", "jumped", "sprang", "hurried", "grew", "knelt", "wept", "sighed", "replied", "answered"]


def flat(text):
    """One line, without Gutenberg's emphasis marks, quotes straight: what questions are made of."""
    return " ".join(text.translate(check.STRAIGHT).split())


def read_novel(path):
    """Paragraphs of the novel itself."""
    data = check.normalised(path)
    begin, end = check.whole_body(data)
    try:
        text = data[begin:end].decode("utf-8")
    except UnicodeDecodeError:
        text = data[begin:end].decode("latin-1")
    text = text.replace("\r", "\n")
    return [p.strip("\n") for p in re.split(r"\n[ \t]*\n+", text) if p.strip()]


def measured_novels():
    """Titles of the novels of eval_sets/, from the file names in its README."""
    readme = (ROOT / "eval_sets" / "README.md").read_text(encoding="utf-8")
    return [pathlib.Path(name).stem.replace("-", " ") for name, _ in check.CHECKSUM.findall(readme)]


def refuse_measured(path, paragraphs):
    """Gutenberg's files have the title within their first paragraphs."""
    head = re.sub(r"[^a-z ]", " ", check.fold(" ".join(paragraphs[:12])).replace("-", " "))
    head = " ".join(head.split())
    for title in measured_novels():
        if title in head or path.stem.replace("_", "-") == title.replace(" ", "-"):
            raise SystemExit(f"novel_questions.py: {path}: is \"{title}\", which eval_sets/ measures with; take it out")


def book_names(paragraphs):
    """Words that are names in this novel: with a capital in the middle of sentences, and hardly ever without."""
    text = flat("\n".join(paragraphs))
    capital = collections.Counter(re.findall(r"(?<=[a-z,;] )[A-Z][a-z]{2,}(?![a-z'])", text))
    small = collections.Counter(re.findall(r"\b[a-z]{3,}\b", text))
    return {w for w, n in capital.items() if n >= 4 and w not in NOT_NAMES and small[w.lower()] * 4 < n}


def is_name(text, names):
    words = re.sub(rf"^{TITLE}", "", text).split()
    return bool(words) and all(w in names for w in words if w[0].isupper())


def once(text, clue):
    return len(re.findall(rf"(?<!\w){re.escape(clue)}(?!\w)", text, re.I)) == 1


def sentences(text):
    """Sentences of narration: quoted speech is out, and what its commas leave behind is not a sentence."""
    narration = re.sub(r'"[^"]*("|$)', "\x00", text)
    guarded = re.sub(r"\b(Mr|Mrs|Dr|St)\.", lambda m: m[1] + "\x01", narration)
    for sentence in re.split(r"(?<=[.!?])\s+", guarded):
        if "\x00" not in sentence and re.match(r"[A-Z]", sentence) and sentence.endswith("."):
            yield sentence.replace("\x01", ".")


def clip(text, most):
    """At most `most` words of a clause, cut at its punctuation when there is some."""
    return " ".join(text.split()[:most])


# Each template yields (question, answer, clue); the clue must stand in the excerpt exactly once.

def who_said(text, names):
    for m in re.finditer(rf'"([^"]{{15,200}}?)[,!?]" (?:{SAYS}) ({NAME})(?=[.,;: ])', text):
        if is_name(m[2], names):
            words = clip(m[1], 10)
            yield f'Who said "{words}"?', m[2], words
    for m in re.finditer(rf'(?<=[.] )({NAME}) (?:{SAYS})[,:] "([^"]{{15,200}})', text):
        if is_name(m[1], names):
            words = clip(m[2], 10)
            yield f'Who said "{words}"?', m[1], words


def who_did(text, names):
    past = "|".join([*VERBS, *MORE_PAST])
    for sentence in sentences(text):
        m = re.match(rf"({NAME}) ((?:had |was |is )?(?:{past}|[a-z]+ed) [^;:]{{8,}})\.$", sentence)
        if m and is_name(m[1], names):
            rest = m[2].split(",")[0]
            if 3 <= len(rest.split()) <= 14:
                yield f"Who {rest}?", m[1], rest


def did_what(text, names):
    stop = r"(?= (?:and|from|in|into|on|upon|with|to|at|of|for|that|which|who|as|off|out|up|down|over|by|before|after)\b|[,.;])"
    thing = r"((?:a|an|the|his|her|their|some|my|our) (?:[a-z]+ ){0,2}?[a-z]{3,})"
    for m in re.finditer(rf"\b({NAME}) ({'|'.join(VERBS)}) {thing}{stop}", text):
        if is_name(m[1], names) and not m[3].split()[-1].endswith("ly"):
            yield f"What did {m[1]} {VERBS[m[2]]}?", m[3], f"{m[1]} {m[2]}"


def how_many(text, _):
    skip = {"more", "other", "years", "hundred", "thousand", "o'clock", "times", "less", "long", "whole", "last", "first", "such"}
    for m in re.finditer(rf"\b({'|'.join(NUMBERS)}) ([a-z]{{3,}}s)\b", text):
        others = rf"\b(?:{'|'.join(NUMBERS)}|one|hundred|thousand|many|several|few|some|the|these|those) {m[2]}\b"
        if m[2] not in skip and not m[2].endswith(("ss", "ous")) and len(re.findall(others, text, re.I)) == 1:
            yield f"How many {m[2]} are mentioned?", m[1], m[0]


def what_colour(text, _):
    for m in re.finditer(rf"\b({'|'.join(COLOURS)}) ([a-z]{{3,}})\b(?= (?:and|of|on|in|with|that|was|were|had|is)\b|[,.;])", text):
        if m[2] in {"and", "with", "but", "from", "that", "for", "light", "man", "men", "one"} or m[2].endswith("ly"):
            continue
        if len(re.findall(rf"\b{m[2]}\b", text, re.I)) == 1:
            verb = "were" if m[2].endswith("s") and not m[2].endswith("ss") else "was"
            yield f"What colour {verb} the {m[2]}?", m[1], m[0]


def when(text, _):
    moment = (r"((?:at|about|till|until|by|before|after) (?:half-past |nearly |a quarter (?:to|past) )?(?:[a-z]+) o'clock|on (?:Mon|Tues|Wednes|Thurs|"
              r"Fri|Satur|Sun)day(?: (?:morning|evening|night|afternoon))?|in (?:January|February|April|June|July|August|September|October|"
              r"November|December))")
    for m in re.finditer(rf"((?:\b[\w'-]+ ){{4,8}}){moment}(?=[,.;])", text):
        before = m[1].strip()
        yield f'What time is given after the words "{before}"?', m[2], before


def why(text, names):
    """What stands before "because" within the sentence, and the reason after it."""
    opening = r"(?:He|She|It|They|We|You|My|His|Her|Their|The|This|These)"
    text = re.sub(r"\b(Mr|Mrs|Dr|St)\.", lambda m: m[1] + "\x01", text)
    for m in re.finditer(r'([^.;:!?"()-]{8,100}?),? because ([^.;:!?"()-]{10,100}?)(?=[.;:!?"]|--|, (?:and|but|yet|so)\b)', text):
        clause = re.sub(r"^(?:and|but|that|for|so|yet) ", "", m[1].split(",")[-1].strip(), flags=re.I)
        if re.match(rf"{opening} ", clause):
            clause = clause[0].lower() + clause[1:]
        clause = clause.replace("\x01", ".")
        name = re.match(rf"{NAME} ", clause)
        known = re.match(rf"(?:I|{opening.lower()}) ", clause) or (name and is_name(name[0].strip(), names))
        if not known or re.search(r"^it (?:was|is)\b|\b(?:not|only|simply|but|more|partly|merely|and)$", clause):
            continue
        if 3 <= len(clause.split()) <= 14:
            yield f"Why is it that {clause}?", f"because {m[2].strip()}".replace("\x01", "."), m[0].replace("\x01", ".")


def next_words(text, _):
    for sentence in sentences(text):
        words = sentence.rstrip(".").split()
        if 11 <= len(words) <= 30:
            begin, rest = " ".join(words[:7]), " ".join(words[7:])
            rest = re.split(r"[,;:]", rest)[0]
            if 2 <= len(rest.split()) <= 8:
                yield f'Which words follow "{begin}"?', rest, begin


def missing_word(text, _):
    for sentence in sentences(text):
        words = sentence.split()
        places = [i for i in range(3, len(words) - 1) if re.fullmatch(r"[a-z]{5,}", words[i])]
        if places and 8 <= len(words) <= 20:
            i = places[len(places) // 2]
            shown = " ".join([*words[:i], "...", *words[i + 1:]])
            yield f'Which word is left out: "{shown}"', words[i], sentence


def which_name(text, names):
    for m in re.finditer(r"((?:\b[\w'-]+ ){4,8}(?:in|at|to|from|near|through|with|of|by)) ([A-Z][a-z]+)(?=[,.;])", text):
        if is_name(m[2], names):
            yield f'Which name follows the words "{m[1]}"?', m[2], m[1]


def comes_first(text, _):
    """Two sentences in one or the other order; the first of the pair decides which, so that neither is likelier."""
    found = [s for s in sentences(text) if 6 <= len(s.split()) <= 14]
    for one, other in zip(found[::4], found[2::4]):
        pair = sorted((one, other))
        yield f'Which stands first in the text: "{pair[0]}" or "{pair[1]}"', one, one


TEMPLATES = (why, who_said, who_did, did_what, how_many, what_colour, when, which_name, next_words, missing_word, comes_first)
LARGEST = {"next_words": 1, "missing_word": 1, "comes_first": 1, "which_name": 2, "how_many": 2}  # of one excerpt: always to be had


def proved(text, question, answer, clue, template):
    """The clue once, the answer in the text, and not in the question (an order is asked by naming both)."""
    return (once(text, clue) and check.contains(text, answer) and len(answer.split()) <= (14 if template in (comes_first, why) else 8)
            and (template is comes_first or not check.contains(question, answer)))


def ask_about(excerpt, names, most, generator):
    text = flat(excerpt)
    asked, seen = [], set()
    for template in TEMPLATES:
        found = [q for q in template(text, names) if proved(text, *q, template)]
        generator.shuffle(found)
        for question, answer, _ in found[:LARGEST.get(template.__name__, 3)]:
            if question not in seen:
                seen.add(question)
                asked.append({"question": question, "answer": answer, "type": template.__name__})
    generator.shuffle(asked)
    return sorted(asked, key=lambda q: q["type"] in LARGEST)[:most]  # rare ones first


def excerpts(novels, low, high, generator):
    """Without end: runs of whole paragraphs of about the wanted number of words, from every novel in turn."""
    while True:
        for _, paragraphs, names in novels:
            wanted = low * (high / low) ** generator.random()
            first = generator.randrange(len(paragraphs))
            run, words = [], 0
            for paragraph in paragraphs[first:]:
                count = len(paragraph.split())
                if run and words + count > high:
                    break
                run.append(paragraph)
                words += count
                if words >= wanted:
                    break
            if low <= words <= high:
                yield "\n\n".join(run), names


def read_novels(arguments):
    novels = []
    for path in sorted(arguments.novels.glob("*.txt")):
        paragraphs = read_novel(path)
        refuse_measured(path, paragraphs)
        novels.append((path, paragraphs, book_names(paragraphs)))
    if not novels:
        raise SystemExit(f"novel_questions.py: {arguments.novels}: no .txt files, expected a folder of novels")
    return novels


def plain(arguments):
    """Reading without questions, so that a model that learns to answer does not forget how to read."""
    found = excerpts(read_novels(arguments), *arguments.words, random.Random(arguments.seed))
    for excerpt, _ in itertools.islice(found, arguments.plain):
        yield {"text": excerpt}


def make(arguments):
    novels = read_novels(arguments)
    generator = random.Random(arguments.seed)
    low, high = arguments.words
    made, tried = 0, 0
    for excerpt, names in excerpts(novels, low, high, generator):
        tried += 1
        questions = ask_about(excerpt, names, arguments.questions, generator)
        if tried > 20 * (made + 10):
            raise SystemExit("novel_questions.py: hardly any excerpt gives four questions; raise --words")
        if len(questions) < 4:
            continue
        yield {"document": excerpt, "questions": questions}
        made += 1
        if made == arguments.excerpts:
            return


def word_range(text):
    sizes = [int(part) for part in text.split("-")]
    if len(sizes) > 2 or sizes != sorted(sizes) or sizes[0] < 50:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected 50 or more words or a range of them, such as 250-700")
    return sizes[0], sizes[-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("novels", type=pathlib.Path, help="folder of .txt files")
    parser.add_argument("--words", type=word_range, default=(250, 700), help="of an excerpt")
    parser.add_argument("--excerpts", type=int, default=400)
    parser.add_argument("--plain", type=int, default=0, metavar="N", help="N excerpts as plain text instead, without questions")
    parser.add_argument("--questions", type=int, default=8, help="of an excerpt at most")
    parser.add_argument("--seed", type=int, default=1)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", type=pathlib.Path)
    where.add_argument("--show", action="store_true", help="questions with their answers, for reading")
    arguments = parser.parse_args()
    counts = collections.Counter()
    out = None if arguments.show else arguments.out.open("w", encoding="utf-8")
    for row in plain(arguments) if arguments.plain else make(arguments):
        counts.update(q["type"] for q in row.get("questions", [{"type": "plain"}]))
        if out:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
        else:
            lines = [f"{q['type']}: {q['question']} [{q['answer']}]" for q in row.get("questions", [])]
            print("\n".join(lines or [row["text"]]), end="\n\n")
    print(", ".join(f"{name} {count}" for name, count in counts.most_common()), file=sys.stderr)


if __name__ == "__main__":
    main()
