#!/usr/bin/env python3
"""Writes scores.json: what the published scorers of long-context data sets give answers, easy and nasty ones.

The packages that the originals call (rouge, rouge_score, pycocoevalcap, jieba, fuzzywuzzy on difflib) are called here too;
the rules around them are written down again from THUDM/LongBench (2e00731), OpenBMB/InfiniteBench (88b3daa),
adobe-research/NoLiMa (7532e4e) and NVIDIA/RULER (c3f5e3b). Needs requirements-scores.txt without python-Levenshtein, and
Python 3.11 (the depth of recursion at which `rouge` fails is the interpreter's).
"""

import inspect
import json
import re
import string
import sys
from collections import Counter
from pathlib import Path

import jieba
from fuzzywuzzy import fuzz
from pycocoevalcap.rouge.rouge import Rouge as CocoRouge
from rouge import Rouge
from rouge_score import rouge_scorer
from score_cases import rows

# Frames of eval.py from its module to the call of get_scores: module, scorer, rouge_score.
EVAL_FRAMES = 3
CHINESE_PUNCTUATION = (
    "！？｡。＂＃＄％＆＇（）＊＋，－／：；＜＝＞＠［＼］＾＿｀｛｜｝～｟｠｢｣､、〃》「」『』【】〔〕〖〗〘〙〚〛〜〝〞〟〰〾〿–—‘’‛“”„‟…‧﹏."
)


def strip_marks(text, marks):
    return "".join(letter for letter in text.lower() if letter not in marks)


def english_words(text):
    return re.sub(r"\b(a|an|the)\b", " ", strip_marks(text, string.punctuation)).split()


def chinese_letters(text):
    return "".join(strip_marks(text, string.punctuation + CHINESE_PUNCTUATION).split())


def bag_f1(ours, theirs):
    same = sum((Counter(ours) & Counter(theirs)).values())
    if same == 0:
        return 0.0
    precision, recall = same / len(ours), same / len(theirs)
    return 2 * precision * recall / (precision + recall)


def token_f1(prediction, reference, _extra=None):
    return bag_f1(english_words(prediction), english_words(reference))


def exact_match(prediction, reference, _extra=None):
    return float(english_words(prediction) == english_words(reference))


def jieba_f1(prediction, reference, _extra=None):
    def tokens(text):
        return [word for word in map(chinese_letters, jieba.cut(text)) if word]

    return bag_f1(tokens(prediction), tokens(reference))


def rouge_package(prediction, reference, _extra=None, further_frames=0):
    """As under eval.py: the recursion that it leaves to the package, any failure is 0."""
    depth = len(inspect.stack(0))
    usual = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(1000 + depth - EVAL_FRAMES - further_frames)
        return Rouge().get_scores([prediction], [reference], avg=True)["rouge-l"]["f"]
    except (RecursionError, ValueError):
        return 0.0
    finally:
        sys.setrecursionlimit(usual)


def rouge_chinese(prediction, reference, _extra=None):
    return rouge_package(" ".join(jieba.cut(prediction)), " ".join(jieba.cut(reference)), further_frames=1)


def part_of_numbers(prediction, right):
    numbers = re.findall(r"\d+", prediction)
    return numbers.count(right) / len(numbers) if numbers else 0.0


def paragraph(mark):
    return lambda prediction, reference, _extra: part_of_numbers(prediction, re.search(mark + r"(\d+)", reference)[1])


def count(prediction, reference, _extra):
    return part_of_numbers(prediction, reference)


def classification(prediction, reference, classes):
    named = [name for name in classes if name in prediction]
    position = 0
    while position < len(named):  # the original removes from the list under its own loop
        name = named[position]
        if name in reference and name != reference:
            named.remove(name)
        position += 1
    return 1 / len(named) if reference in named else 0.0


def code_similarity(prediction, reference, _extra):
    lines = prediction.lstrip("\n").split("\n")
    line = next((line for line in lines if not any(mark in line for mark in ("`", "#", "//"))), "")
    return fuzz.ratio(line, reference) / 100


LONGBENCH = {
    "qa": token_f1,
    "qa_zh": jieba_f1,
    "rouge": rouge_package,
    "rouge_zh": rouge_chinese,
    "classification": classification,
    "retrieval": paragraph("Paragraph "),
    "retrieval_zh": paragraph("段落"),
    "count": count,
    "code_sim": code_similarity,
}


def longbench(metric, first_line):
    def score(prediction, references, extra):
        if first_line:
            prediction = prediction.lstrip("\n").split("\n")[0]
        return max([0.0] + [LONGBENCH[metric](prediction, reference, extra) for reference in references])

    return score


def longbench_v2(prediction, references, _extra):
    plain = prediction.replace("*", "")
    found = re.search(r"The correct answer is \(([A-D])\)", plain) or re.search(r"The correct answer is ([A-D])", plain)
    return float(found is not None and found[1] == references[0])


def blank(text, marks):
    for mark in marks:
        text = text.replace(mark, " ")
    return text


def after_prefix(text, prefixes):
    for prefix in prefixes:
        if prefix in text:
            return text.partition(prefix)[2]
    return None


def numbers_of(text):
    return [piece for piece in re.split("[^0-9]", text) if piece]


def infinitebench_choice(text, label):
    text = text.strip()
    if not text or text[0] in "ABCD":
        return bool(text) and text[0] in label
    if text in label:
        return True
    text = re.sub(" {2,}", " ", blank(text, "\n\"'.,?!{}"))
    rest = after_prefix(text, ["answer is:", "answer:", "answer is", "option is"])
    if rest is not None:
        return rest != "" and rest[1:].startswith(tuple(label))
    word = next((word for word in text.split() if word in "ABCD"), None)
    return word is not None and word in label


def infinitebench_debug(text, label):
    text = text.strip()
    if text[:2] in (label[1] + ".", label[1] + ":"):
        return True
    text = re.sub(" {2,}", " ", blank(text, ["\n", "`", "'", '"', "-", "*", "Option", "option"]))
    rest = after_prefix(text, ["answer is:", "is:", "answer:", "correct option is:"])
    return bool(rest) and rest[1:].startswith(tuple(label))


def infinitebench_run(text, label):
    words = blank(text.strip(), "\n.`'\":").split()
    try:
        return bool(words) and int(words[-1]) == label
    except ValueError:
        return False


def infinitebench_find(text, label):
    found = re.search(r"\d+\.\d+|\d+", text)
    try:
        return found is not None and type(label)(found[0]) == label
    except ValueError:  # the original lets it end the run
        return False


def infinitebench_calc(text, label):
    right = 0
    for value, number in zip(label, numbers_of(text), strict=False):
        if int(number) != value:
            break
        right += 1
    return right / len(label)


def lines_rouge(text, label):
    scorer = rouge_scorer.RougeScorer(["rougeLsum"])
    return max(scorer.score(reference, text)["rougeLsum"].fmeasure for reference in label)


INFINITEBENCH = {
    "passkey": lambda text, label: (numbers_of(text) or [""])[0] == label,
    "number_string": lambda text, label: (numbers_of(text) or [""])[0] == label,
    "kv_retrieval": lambda text, label: label in blank(text, "\n:\"'.,?!{}").split(),
    "longdialogue_qa_eng": lambda text, label: label[0] in blank(text, "\n:\"'.,?!{}").upper().split(),
    "longbook_choice_eng": infinitebench_choice,
    "longbook_qa_eng": lambda text, label: max(token_f1(text, reference) for reference in label),
    "longbook_qa_chn": lambda text, label: max(bag_f1(chinese_letters(text), chinese_letters(one)) for one in label),
    "longbook_sum_eng": lines_rouge,
    "math_find": infinitebench_find,
    "math_calc": infinitebench_calc,
    "code_run": infinitebench_run,
    "code_debug": infinitebench_debug,
}


def coco(prediction, references, _extra):
    def words(text):
        return " ".join(strip_marks(text, string.punctuation).split())

    return CocoRouge().calc_score([words(prediction)], [words(reference) for reference in references])


def ruler(prediction, references, how):
    text = re.sub(r"[\x00-\x1f]", "\n", prediction.strip()).strip().lower()
    found = [float(reference.lower() in text) for reference in references]
    return max(found) if how == "part" else sum(found) / len(found)


def nolima(prediction, references, metric):
    text = prediction
    if metric != "contains":
        text = text.strip()
    if metric.startswith("lastline"):
        text = text.split("\n")[-1]
    found = text in references if metric.endswith("exact") else any(reference in text for reference in references)
    return float(found)


def score(metric, prediction, references, extra):
    kind, _, rest = metric.partition("/")
    if kind == "longbench":
        return longbench(rest.removeprefix("first-line/"), rest.startswith("first-line/"))(prediction, references, extra)
    if kind == "infinitebench":
        return float(INFINITEBENCH[rest](prediction, extra))
    if kind in ("f1", "exact"):
        one = token_f1 if kind == "f1" else exact_match
        return max(one(prediction, reference) for reference in references)
    return {"coco": coco, "longbench-v2": longbench_v2, "ruler": ruler, "nolima": nolima}[kind](
        prediction, references, extra
    )


def main():
    lines = []
    for metric, prediction, references, extra in rows():
        line = {"metric": metric, "prediction": prediction, "references": references, "extra": extra}
        line["score"] = score(metric, prediction, references, extra)
        lines.append(json.dumps(line, ensure_ascii=False))
    path = Path(__file__).with_name("scores.json")
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
    print(path.name, len(lines), "rows")


if __name__ == "__main__":
    main()
