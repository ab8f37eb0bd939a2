#!/usr/bin/env python3
"""tome's scores of the answers that InfiniteBench's authors published, beside the scores that they published.

    scripts/infinitebench_scores.py CLONE [--tome build/release/tome]

CLONE is the reader's own clone of github.com/OpenBMB/InfiniteBench: results/MODEL/preds_SET.jsonl holds answers with what is
accepted, README.md the table of scores. The texts themselves are not needed. Exit 1 when a score differs in what the table shows.
Standard library only.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

# The table's names of sets and of models, and the files'.
SETS = {
    "Retrieve.PassKey": "passkey", "Retrieve.Number": "number_string", "Retrieve.KV": "kv_retrieval",
    "En.Sum": "longbook_sum_eng", "En.QA": "longbook_qa_eng", "En.MC": "longbook_choice_eng",
    "En.Dia": "longdialogue_qa_eng", "Zh.QA": "longbook_qa_chn", "Code.Debug": "code_debug",
    "Code.Run": "code_run", "Math.Calc": "math_calc", "Math.Find": "math_find",
}
MODELS = {
    "GPT-4": "gpt4", "Kimi-Chat": "kimi", "Claude 2": "claude2", "Yi-6B-200K": "yi-6b-200k",
    "Yi-34B-200K": "yi-34b-200k", "Chatglm3-6B-128K": "chatglm3",
}
OPTION_SETS = ("longbook_choice_eng", "code_debug")


def published(clone: pathlib.Path) -> dict[tuple[str, str], str]:
    """What README.md's table says, by (model, set), as "98.14" or "< 5"."""
    lines = [[cell.strip() for cell in line.strip().strip("|").split("|")]
             for line in (clone / "README.md").read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    heading = next(line for line in lines if "GPT-4" in line)
    return {(model, line[0]): line[column].rstrip("%")
            for line in lines if line[0] in SETS and len(line) == len(heading)
            for column, model in enumerate(heading) if model in MODELS}


def task_row(name: str, prediction: dict) -> dict:
    """A row of the data set as far as scoring needs it."""
    accepted = prediction["ground_truth"]
    row = {"context": "(not needed)", "input": "(not needed)", "answer": accepted}
    if name in OPTION_SETS:  # the option and its letter
        options = [f"option {n}" for n in range(4)]
        options["ABCD".index(accepted[1])] = accepted[0]
        row["options"] = options
    return row


def scores(clone: pathlib.Path, model: str, tome: str, folder: pathlib.Path) -> dict[str, tuple[int, float]]:
    """Answers and mean score, by set."""
    answers, asked = [], {}
    for name in SETS.values():
        text = (clone / "results" / model / f"preds_{name}.jsonl").read_text(encoding="utf-8")
        predictions = [json.loads(line) for line in text.split("\n") if line.strip()]
        asked[name] = len(predictions)
        with (folder / f"{name}.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(task_row(name, p)) + "\n" for p in predictions)
        for number, p in enumerate(predictions, 1):
            said = p["prediction"]
            answers.append({"id": f"infinitebench-{name}-{number}",
                            "answer": said if isinstance(said, str) else json.dumps(said)})
    (folder / "answers.jsonl").write_text("".join(json.dumps(a) + "\n" for a in answers), encoding="utf-8")
    subprocess.run([tome, "eval", "--tasks", "infinitebench", "--data", f"infinitebench={folder}", "--tokenizer", "smollm2",
                    "--samples", "100000", "--answers", folder / "answers.jsonl", "--out", folder / "run"],
                   check=True, stdout=subprocess.DEVNULL)
    rows = json.loads((folder / "run" / "results.json").read_text(encoding="utf-8"))
    found = {row["task"].split("/")[1]: (row["n"], row["score"]) for row in rows if row["depth"] is None}
    for name, count in asked.items():
        if found[name][0] != count:
            raise SystemExit(f"{model}, {name}: {found[name][0]} of {count} answers were scored")
    return found


def agrees(table: str, score: float) -> bool:
    below = re.fullmatch(r"< *(\d+)", table)
    return 100 * score < float(below[1]) if below else abs(100 * score - float(table)) <= 0.005 + 1e-9


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clone", type=pathlib.Path)
    parser.add_argument("--tome", default="build/release/tome")
    options = parser.parse_args()
    table = published(options.clone)
    wrong = 0
    print("| model | set | answers | published | tome |\n|---|---|---|---|---|")
    for model, folder in MODELS.items():
        with tempfile.TemporaryDirectory() as scratch:
            ours = scores(options.clone, folder, options.tome, pathlib.Path(scratch))
        for title, name in SETS.items():
            said, (count, score) = table[model, title], ours[name]
            differs = not agrees(said, score)
            wrong += differs
            print(f"| {model} | {title} | {count} | {said} | {100 * score:.2f}{' DIFFERS' * differs} |")
    print(f"{wrong} of {len(MODELS) * len(SETS)} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
