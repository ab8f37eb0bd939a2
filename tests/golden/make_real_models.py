#!/usr/bin/env python3
"""Perplexities and greedy continuations of the two real models by transformers: perplexity.json and greedy.json.

    make_real_models.py --models DIR --books DIR    (DIR holds smollm2.gguf and gemma.gguf; DIR holds the novels)

Takes about an hour on two cores and 8 GB. What the two files already have is kept: delete them to
measure anew. Conventions: README.md beside this file and bench/reference_model.py.
"""

import argparse
import json
import pathlib
import sys

import torch
import transformers

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "bench"))
from reference_model import document_ids, greedy, load_model, load_tokenizer, read_text  # noqa: E402
from reference_perplexity import measure  # noqa: E402

MODELS = ["smollm2", "gemma"]
NOVELS = ["the-hound-of-the-baskervilles.txt", "treasure-island.txt", "the-moonstone.txt"]
RUNS = [  # model, dtype, tokens, raw
    ("smollm2", "float32", 4096, False), ("gemma", "float32", 4096, False), ("smollm2", "bfloat16", 4096, False),
    ("gemma", "bfloat16", 4096, False), ("smollm2", "float32", 4096, True), ("smollm2", "float32", 8192, False)]
PROMPT, ANSWER = 300, 40


def perplexities(files, books):
    """One row a run, saved as soon as it is there."""
    path = HERE / "perplexity.json"
    rows = json.loads(path.read_text())["results"] if path.exists() else []
    keys = ("model", "dtype", "tokens", "raw", "text")
    done = {tuple(row[key] for key in keys) for row in rows}
    todo = [(*run, novel) for run in RUNS for novel in NOVELS]
    loaded, model, tokenizer = None, None, None
    for name, dtype, tokens, raw, novel in todo:
        if (name, dtype, tokens, raw, novel) in done:
            continue
        if loaded != (name, dtype):
            model = None  # one at a time in memory
            model, tokenizer = load_model(files[name], getattr(torch, dtype)), load_tokenizer(files[name])
            loaded = (name, dtype)
        rows.append({"model": name} | measure(model, tokenizer, books / novel, tokens, raw))
        print(json.dumps(rows[-1]), flush=True)
        del rows[-1]["seconds"]
        rows.sort(key=lambda row: [row[key] for key in keys])
        save(path.name, rows)


def continuations(name, gguf, books):
    tokenizer, model, results = load_tokenizer(gguf), load_model(gguf, torch.float32), []
    for novel in NOVELS:
        text, sha256 = read_text(books / novel)
        prompt = document_ids(tokenizer, text, PROMPT)
        answer, margins = greedy(model, prompt, ANSWER)
        print(name, novel, repr(tokenizer.decode(answer)), min(margins), flush=True)
        results.append({"model": name, "text": novel, "sha256": sha256, "prompt_ids": prompt, "answer_ids": answer,
                        "margins": [round(margin, 5) for margin in margins]})
    return results


def save(name, rows):
    head = {"torch": torch.__version__, "transformers": transformers.__version__, "attn_implementation": "sdpa"}
    body = ",\n".join("  " + json.dumps(row) for row in rows)
    (HERE / name).write_text(json.dumps(head)[:-1] + ', "results": [\n' + body + "\n]}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=pathlib.Path, required=True)
    parser.add_argument("--books", type=pathlib.Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    transformers.utils.logging.disable_progress_bar()
    files = {name: arguments.models / f"{name}.gguf" for name in MODELS}
    perplexities(files, arguments.books)
    if not (HERE / "greedy.json").exists():
        save("greedy.json", [row for name in MODELS for row in continuations(name, files[name], arguments.books)])


if __name__ == "__main__":
    main()
