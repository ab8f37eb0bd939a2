#!/usr/bin/env python3
"""Whether transformers and llama.cpp read what `tome merge` and `tome convert` write: a table, and 1 when they do not.

An adapter (r 16 on all linear layers, random, made by PEFT) is added to a real model by PEFT in f32, the reference, and
by tome. Every file that tome writes is opened by the other programs: the same ids of a text, the same greedy tokens
(up to a choice that the reference itself makes by less than MARGIN), the same perplexity within BOUND.

    merged_models.py [--tome build/release/tome] [--model smollm2|gemma] [--type F32|F16|BF16]

Packages: requirements.txt and xllamacpp. Some minutes and 4 GB a model.
"""

import argparse
import gc
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import peft
import torch
import transformers
from peft_step import default_model

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "bench"))
from llama_cpp_model import LlamaCppModel  # noqa: E402
from reference_model import document_ids, greedy, load_model, load_tokenizer, negative_log_likelihoods, read_text  # noqa: E402

TEXT = REPOSITORY / "examples" / "the_clock_at_corvane.txt"
TOKENS, PROMPT, ANSWER = 384, 200, 50
KINDS = ["F32", "F16", "BF16"]
SIZES = {"smollm2": 0.06, "gemma": 0.02}  # of the adapter's B: so that it shows, and the model can still write
BOUND = 0.005  # of the perplexity, for F32, F16 and BF16
MARGIN = 0.1  # between the two largest logits: 8-bit mantissas flip a choice below it


def make_adapter(model, folder, size_of_b):
    """Writes the PEFT folder; returns the model with it added."""
    config = peft.LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = peft.get_peft_model(model, config)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if "lora_" in name:
                size = size_of_b if "lora_B" in name else 1 / math.sqrt(3 * tensor.shape[1])
                tensor.copy_(size * torch.randn(tensor.shape, generator=generator))
    model.save_pretrained(folder)
    return model.merge_and_unload()


class Table:
    def __init__(self, name, ids, answer, margins, nll):
        self.name, self.ids, self.answer, self.margins = name, ids, answer, margins
        self.perplexity, self.good = math.exp(nll), True
        self.row("reference", "PEFT, f32", "", "", self.perplexity, None)

    def row(self, file, program, ids, tokens, perplexity, gap):
        cells = [self.name, file, program, ids, tokens, f"{perplexity:.4f}", "" if gap is None else f"{100 * gap:+.3f} %"]
        print("| " + " | ".join(cells) + " |", flush=True)

    def add(self, file, program, ids, answer, nll):
        same = next((i for i, pair in enumerate(zip(answer, self.answer, strict=True)) if pair[0] != pair[1]), ANSWER)
        gap = math.exp(nll) / self.perplexity - 1
        tokens = f"{same} of {ANSWER}" + ("" if same == ANSWER else f", then a margin of {self.margins[same]:.3f}")
        good = ids == self.ids and abs(gap) <= BOUND and (same == ANSWER or self.margins[same] < MARGIN)
        self.good = self.good and good
        self.row(file, program, "same" if ids == self.ids else "DIFFER", tokens, math.exp(nll), gap)

    def transformers_gguf(self, file, text):
        model, tokenizer = load_model(file, torch.float32), load_tokenizer(file)
        self.transformers(file.name, "transformers, gguf_file", model, tokenizer, text)

    def transformers(self, name, program, model, tokenizer, text):
        self.add(name, program, document_ids(tokenizer, text, TOKENS), greedy(model, self.ids[:PROMPT], ANSWER)[0],
                 float(negative_log_likelihoods(model, self.ids).double().mean()))

    def transformers_folder(self, folder, text):
        model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self.transformers(folder.name + "/", "transformers", model, transformers.AutoTokenizer.from_pretrained(folder), text)

    def llama_cpp(self, file, text, threads, lora=None):
        model = LlamaCppModel(file, 2 * TOKENS, threads, lora)
        self.add(f"{file.name} + {lora.name}" if lora else file.name, "llama.cpp", model.ids(text)[:TOKENS],
                 model.greedy(self.ids[:PROMPT], ANSWER), statistics.fmean(model.negative_log_likelihoods(self.ids)))


def check(name, tome, kinds, threads):
    gguf = default_model(name)

    def run(*arguments):
        command = [tome, *map(str, arguments), "-m", gguf, "-t", str(threads), "-q"]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout

    with tempfile.TemporaryDirectory() as scratch:
        work = pathlib.Path(scratch)
        text = read_text(TEXT)[0]
        tokenizer = load_tokenizer(gguf)
        ids = document_ids(tokenizer, text, TOKENS)
        base = load_model(gguf, torch.float32)
        before = float(negative_log_likelihoods(base, ids).mean())
        model = make_adapter(base, work / "adapter", SIZES[name])
        nll = float(negative_log_likelihoods(model, ids).double().mean())
        assert abs(nll - before) > 0.05, f"the adapter does not show: {before} before, {nll} after"
        table = Table(name, ids, *greedy(model, ids[:PROMPT], ANSWER), nll)
        del base, model
        adapter = ["--adapter", work / "adapter"]
        own = json.loads(run("perplexity", TEXT, *adapter, "--context", TOKENS, "--dtype", "f32", "--exact", "--json"))
        table.row("adapter/", "tome, f32", "", "", own["perplexity"], own["perplexity"] / table.perplexity - 1)
        for kind in kinds:
            file = work / f"{kind}.gguf"
            run("merge", *adapter, "--type", kind, "-o", file)
            table.transformers_gguf(file, text)
            gc.collect()
            table.llama_cpp(file, text, threads)
            file.unlink()
        run("merge", *adapter, "--type", "BF16", "-o", work / "folder")
        table.transformers_folder(work / "folder", text)
        back = work / "folder-to-BF16.gguf"
        subprocess.run([tome, "convert", "-m", work / "folder", "-o", back, "--type", "BF16", "-q"], check=True)
        table.llama_cpp(back, text, threads)
        run("convert", *adapter, "-o", work / "lora.gguf")
        run("convert", "--type", "F32", "-o", work / "base-F32.gguf")
        table.llama_cpp(work / "base-F32.gguf", text, threads, work / "lora.gguf")
    return table.good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tome", type=pathlib.Path, default=REPOSITORY / "build" / "release" / "tome")
    parser.add_argument("--model", choices=("smollm2", "gemma"), action="append")
    parser.add_argument("--type", choices=KINDS, action="append")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    print("| model | file | read by | ids | greedy tokens | perplexity | gap |\n|---|---|---|---|---|---|---|")
    good = [check(name, arguments.tome, arguments.type or KINDS, arguments.threads)
            for name in arguments.model or ["smollm2", "gemma"]]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
