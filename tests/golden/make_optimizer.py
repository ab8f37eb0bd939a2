#!/usr/bin/env python3
"""AdamW by PyTorch and bitsandbytes, schedules by transformers: optimizer.safetensors and schedules.json.

    python -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python make_optimizer.py

What is inside: README.md. Both files come out byte for byte the same when the script runs again.
"""

import json
import math
import pathlib

import bitsandbytes
import bitsandbytes.backends.cpu.ops as bitsandbytes_cpu
import torch
import transformers
from bitsandbytes.functional import create_dynamic_map
from safetensors.torch import save_file

FOLDER = pathlib.Path(__file__).resolve().parent
STEPS = 20
SHAPES = {"matrix": (64, 67), "norm": (300,)}  # a last block of 192; a tensor below 4,096 elements
SETTINGS = {"lr": 0.02, "betas": (0.9, 0.98), "eps": 1e-7, "weight_decay": 0.1}


def nearest(values, code, block):
    """bitsandbytes' own search for the nearest code, which it uses for types that its table look-up lacks."""
    return torch.ops.bitsandbytes.quantize_blockwise(values.double(), code, block)


def quantize_to_nearest(values, code, absmax_out, codes_out, block):
    """As tome does: a second moment that is not zero never gets the code of zero, which would divide by epsilon alone."""
    codes, absmax = nearest(values, code, block)
    if code[0] == 0:
        codes[(codes == 0) & (values > 0)] = 1
    codes_out.copy_(codes)
    absmax_out.copy_(absmax)


def codes():
    generator = torch.Generator().manual_seed(1)
    signed, unsigned = create_dynamic_map(signed=True), create_dynamic_map(signed=False)
    gauss = torch.randn(8000, generator=generator)  # a last block of 64
    wide = torch.exp(6 * torch.randn(8000, generator=generator))
    result = {"signed": signed, "unsigned": unsigned, "gauss": gauss, "wide": wide}
    for name, values, code in (("gauss", gauss, signed), ("wide", wide, unsigned)):
        result[f"{name}/codes"], result[f"{name}/absmax"] = nearest(values, code, 256)
        result[f"{name}/codes_fast"] = torch.ops.bitsandbytes.quantize_blockwise(values, code, 256)[0]
    return result


def problem():
    """Minimise sum of curvature / 2 * (value - target)^2, curvatures over six decades."""
    generator = torch.Generator().manual_seed(2)
    start, target, curvature = {}, {}, {}
    for name, shape in SHAPES.items():
        start[name] = torch.randn(shape, generator=generator)
        target[name] = torch.randn(shape, generator=generator)
        curvature[name] = torch.pow(10, 6 * torch.rand(shape, generator=generator) - 4)
    return start, target, curvature


def train(make):
    start, target, curvature = problem()
    parameters = {name: torch.nn.Parameter(value.clone()) for name, value in start.items()}
    decay = {"matrix": SETTINGS["weight_decay"], "norm": 0.0}
    optimizer = make([{"params": [p], "weight_decay": decay[name]} for name, p in parameters.items()])
    losses = []
    for _ in range(STEPS):
        losses.append(sum(float((curvature[n].double() / 2 * (p.detach().double() - target[n].double()) ** 2).sum())
                          for n, p in parameters.items()))
        for name, p in parameters.items():
            p.grad = curvature[name] * (p.detach() - target[name])
        optimizer.step()
    return parameters, optimizer.state, torch.tensor(losses, dtype=torch.float64)


def trajectories():
    rest = {key: value for key, value in SETTINGS.items() if key != "weight_decay"}
    result = {}
    for part, tensors in zip(("start", "target", "curvature"), problem(), strict=True):
        result |= {f"{name}/{part}": tensor for name, tensor in tensors.items()}
    exact, _, result["torch/losses"] = train(lambda groups: torch.optim.AdamW(groups, **rest))
    result |= {f"torch/{name}": p.detach() for name, p in exact.items()}

    fast = bitsandbytes_cpu._quant_blockwise_fp32_direct
    for kind, quantize in (("fast", fast), ("nearest", quantize_to_nearest)):
        bitsandbytes_cpu._quant_blockwise_fp32_direct = quantize
        values, state, result[f"{kind}/losses"] = train(lambda groups: bitsandbytes.optim.AdamW8bit(groups, **rest))
        result |= {f"{kind}/{name}": p.detach() for name, p in values.items()}
        matrix = state[values["matrix"]]
        assert matrix["state1"].dtype == torch.uint8 and state[values["norm"]]["state1"].dtype == torch.float32
        if kind == "nearest":
            result |= {f"nearest/{name}": matrix[name] for name in ("state1", "state2", "absmax1", "absmax2")}
    bitsandbytes_cpu._quant_blockwise_fp32_direct = fast
    return result


def clipping():
    generator = torch.Generator().manual_seed(3)
    gradient = torch.nn.Parameter(torch.zeros(3000))
    gradient.grad = torch.exp(2 * torch.randn(3000, generator=generator))
    before = gradient.grad.clone()
    norm = torch.nn.utils.clip_grad_norm_([gradient], 5.0)
    return {"clip/before": before, "clip/after": gradient.grad, "clip/norm": norm.reshape(1)}


def schedules():
    """Each case: steps after the warm-up, and what the rate is multiplied by at each of them."""
    makers = {"linear": transformers.get_linear_schedule_with_warmup,
              "cosine": transformers.get_cosine_schedule_with_warmup}
    cases = []
    for kind, make in makers.items():
        for warm_up, steps in ((0, 1), (0, 7), (3, 10), (20, 100)):
            optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
            schedule = make(optimizer, warm_up, steps)
            factors = []
            for _ in range(steps):
                factors.append(schedule.get_last_lr()[0])
                optimizer.step()
                schedule.step()
            assert not any(map(math.isnan, factors))
            cases.append({"kind": kind, "warm_up_steps": warm_up, "steps": steps, "factors": factors})
    return cases


def main():
    torch.set_num_threads(1)
    tensors = codes() | trajectories() | clipping()
    save_file({name: tensor.contiguous() for name, tensor in sorted(tensors.items())}, FOLDER / "optimizer.safetensors")
    lines = ",\n".join(json.dumps(case) for case in schedules())
    (FOLDER / "schedules.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
