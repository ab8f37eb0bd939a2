#!/usr/bin/env python3
"""Perplexity of a GGUF model on the first N tokens of texts by transformers: what `tome perplexity` is held against.

    reference_perplexity.py --model smollm2.gguf --tokens 4096 novel.txt [...]

One JSON object a line and text. perplexity = exp(mean of -log p(id[i] | id[0..i-1]) over i = 1..N-1), N ids in all, the
BOS among them; the rest of the conventions is in reference_model.py.
"""

import argparse
import json
import math
import os
import resource
import time

import torch
import transformers
from reference_model import document_ids, load_model, load_tokenizer, negative_log_likelihoods, read_text


def measure(model, tokenizer, path, tokens, raw=False):
    text, sha256 = read_text(path, raw)
    ids = document_ids(tokenizer, text, tokens)
    start = time.monotonic()
    losses = negative_log_likelihoods(model, ids).double()
    mean = float(losses.mean())
    return {"text": os.path.basename(path), "sha256": sha256, "raw": raw, "tokens": len(ids), "first_ids": ids[:20],
            "last_id": ids[-1], "dtype": str(model.dtype).removeprefix("torch."), "mean_nll": mean,
            "perplexity": math.exp(mean), "seconds": round(time.monotonic() - start, 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="GGUF file")
    parser.add_argument("--tokens", type=int, default=4096)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--raw", action="store_true", help="keep the BOM and CRLF of the file")
    parser.add_argument("texts", nargs="+")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    transformers.utils.logging.disable_progress_bar()
    model = load_model(arguments.model, getattr(torch, arguments.dtype))
    tokenizer = load_tokenizer(arguments.model)
    for path in arguments.texts:
        result = measure(model, tokenizer, path, arguments.tokens, arguments.raw)
        result["peak_rss_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
