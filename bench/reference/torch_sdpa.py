#!/usr/bin/env python3
"""Speed of PyTorch's causal attention on this CPU: bf16, forward and backward, one JSON object.

GFLOP/s count the causal half only: two products of the forward, five of the backward (S, dP, dV, dK, dQ), each
2 x heads x head width x tokens (tokens + 1) / 2.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable

import torch


def seconds_of(work: Callable[[], object], rounds: int) -> float:
    work()  # warm-up
    samples = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        samples.append(time.perf_counter() - start)
    return statistics.median(samples)


def measure(tokens: int, heads: int, head_width: int, rounds: int) -> dict:
    torch.manual_seed(1)
    q, k, v = (torch.randn(1, heads, tokens, head_width, dtype=torch.bfloat16, requires_grad=True) for _ in range(3))
    d_output = torch.randn(1, heads, tokens, head_width, dtype=torch.bfloat16)

    def forward() -> torch.Tensor:
        return torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)

    output = forward()

    def backward() -> tuple[torch.Tensor, ...]:
        return torch.autograd.grad(output, (q, k, v), d_output, retain_graph=True)

    product = heads * head_width * tokens * (tokens + 1) / 1e9
    forward_seconds, backward_seconds = seconds_of(forward, rounds), seconds_of(backward, rounds)
    return {
        "head_width": head_width,
        "forward_seconds": forward_seconds, "forward_gflops": 2 * product / forward_seconds,
        "backward_seconds": backward_seconds, "backward_gflops": 5 * product / backward_seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=8192)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--head-widths", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--rounds", type=int, default=5, help="the median of this many is given")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    results = [measure(arguments.tokens, arguments.heads, width, arguments.rounds) for width in arguments.head_widths]
    print(json.dumps({"torch": torch.__version__, "threads": arguments.threads, "tokens": arguments.tokens,
                      "heads": arguments.heads, "results": results}))


if __name__ == "__main__":
    main()
