#!/usr/bin/env python3
"""20 LoRA steps on the real models by PEFT, in f32 and in bf16: training_run.json, the golden of tests/train.

    make_training_run.py [--models DIR] [--model smollm2|gemma]    (DIR holds smollm2.gguf and gemma.gguf)

LoRA r 16, alpha 32 on all linear layers; each step one of 10 examples of 64 tokens of examples/*.txt in turn, every
next token a target; AdamW in f32 at a constant rate, no decay, no clipping. The adapter begins as `tome train --seed 1` begins: A
by Philox from the seed, B zero. In bf16 the base and its activations are bf16, the adapter is f32 (PEFT's default).
About half an hour on two cores and 8 GB.
"""

import argparse
import json
import pathlib
import sys

import numpy
import peft
import torch
import transformers

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
sys.path += [str(REPOSITORY / "bench"), str(REPOSITORY / "bench" / "reference")]
from peft_step import default_model  # noqa: E402
from reference_model import document_ids, load_model, load_tokenizer, read_text  # noqa: E402

STEPS, EXAMPLES, TOKENS, SEED = 20, 10, 64, 1
RANK, ALPHA, RATE, BETAS, EPSILON = 16, 32, 2e-4, (0.9, 0.999), 1e-8
MATRICES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]  # tome's order in a layer
MASK = numpy.uint64(0xFFFFFFFF)


def philox(stream, count):
    """The first `count` 32-bit numbers of a stream (Philox 4x32-10, src/base/random.h)."""
    blocks = numpy.arange((count + 3) // 4, dtype=numpy.uint64)
    counter = [blocks, numpy.zeros_like(blocks), numpy.full_like(blocks, stream), numpy.zeros_like(blocks)]
    key = [SEED, 0]
    for _ in range(10):
        first, second = counter[0] * numpy.uint64(0xD2511F53), counter[2] * numpy.uint64(0xCD9E8D57)
        counter = [second >> numpy.uint64(32) ^ counter[1] ^ numpy.uint64(key[0]), second & MASK,
                   first >> numpy.uint64(32) ^ counter[3] ^ numpy.uint64(key[1]), first & MASK]
        key = [(key[0] + 0x9E3779B9) % 2**32, (key[1] + 0xBB67AE85) % 2**32]
    return numpy.stack(counter, 1).ravel()[:count].astype(numpy.uint32)


def first_factor(stream, shape):
    unit = (philox(stream, shape[0] * shape[1]) >> numpy.uint32(8)).astype(numpy.float32) * numpy.float32(2**-24)
    bound = numpy.float32(1) / numpy.sqrt(numpy.float32(shape[1]))
    return torch.from_numpy(bound * (2 * unit - 1)).view(shape)


def with_adapter(model):
    config = peft.LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=MATRICES, task_type="CAUSAL_LM")
    model = peft.get_peft_model(model, config).train()
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if "lora_A" in name:
                layer, matrix = int(name.split(".layers.")[1].split(".")[0]), name.split(".lora_A")[0].split(".")[-1]
                tensor.copy_(first_factor(len(MATRICES) * layer + MATRICES.index(matrix), tuple(tensor.shape)))
    return model


def linear(self, x):
    """A bf16 product as bf16 hardware forms it: sums in f32, rounded at the end. Without it PyTorch takes minutes a step."""
    return torch.nn.functional.linear(x.float(), self.weight.float(), self.bias).to(x.dtype)


def losses(gguf, dtype, examples):
    model = with_adapter(load_model(gguf, dtype))
    trained = [p for p in model.parameters() if p.requires_grad]
    assert all(p.dtype == torch.float32 for p in trained)
    optimizer = torch.optim.AdamW(trained, lr=RATE, betas=BETAS, eps=EPSILON, weight_decay=0.0)
    curve = []
    for step in range(STEPS):
        ids = torch.tensor(examples[step % EXAMPLES])
        logits = model(ids[None], use_cache=False).logits[0, :-1].float()
        loss = torch.nn.functional.cross_entropy(logits, ids[1:])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        curve.append(loss.item())
        print(gguf.stem, dtype, len(curve), curve[-1], flush=True)
    return curve


def make(gguf):
    tokenizer, ids = load_tokenizer(gguf), []
    for text in sorted((REPOSITORY / "examples").glob("*.txt")):
        ids += document_ids(tokenizer, read_text(text)[0], None)
    examples = [ids[TOKENS * i : TOKENS * (i + 1)] for i in range(EXAMPLES)]
    return {"examples": examples, "float32": losses(gguf, torch.float32, examples),
            "bfloat16": losses(gguf, torch.bfloat16, examples)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=pathlib.Path, default=default_model("gemma").parent)
    parser.add_argument("--model", choices=("smollm2", "gemma"), action="append")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.nn.Linear.forward = linear
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    path = HERE / "training_run.json"
    head = {"peft": peft.__version__, "torch": torch.__version__, "transformers": transformers.__version__,
            "seed": SEED, "rank": RANK, "alpha": ALPHA, "learning_rate": RATE, "beta1": BETAS[0], "beta2": BETAS[1],
            "epsilon": EPSILON}
    runs = json.loads(path.read_text())["runs"] if path.exists() else {}
    for name in arguments.model or ["smollm2", "gemma"]:
        runs[name] = make(arguments.models / f"{name}.gguf")
        body = ",\n".join(f' "{name}": {json.dumps(run)}' for name, run in sorted(runs.items()))
        path.write_text(json.dumps(head)[:-1] + ', "runs": {\n' + body + "\n}}\n")


if __name__ == "__main__":
    main()
