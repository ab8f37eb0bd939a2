"""One measurement of OpenVINO GenAI on a GGUF file, in a process of its own; run.py starts it inside the peers' venv.

Prints one JSON object: tokens_per_second, seconds. Loading is not counted; a short prompt before warms the kernels up.
"""

import argparse
import json
import time

import numpy
import openvino
import openvino_genai

WARM_UP_TOKENS = 64


def random_prompt(tokens: int, seed: int) -> openvino_genai.TokenizedInputs:
    # Ids below 100 are special tokens; every vocabulary measured here has more than 40,000.
    ids = numpy.random.default_rng(seed).integers(100, 40_000, size=(1, tokens), dtype=numpy.int64)
    return openvino_genai.TokenizedInputs(openvino.Tensor(ids), openvino.Tensor(numpy.ones_like(ids)))


def generate(pipeline: openvino_genai.LLMPipeline, prompt_tokens: int, new_tokens: int,
             seed: int) -> tuple[float, float]:
    """Returns the seconds to the first token and the seconds for the others."""
    config = openvino_genai.GenerationConfig(
        max_new_tokens=new_tokens, min_new_tokens=new_tokens, ignore_eos=True, do_sample=False)
    start = time.perf_counter()
    result = pipeline.generate(random_prompt(prompt_tokens, seed), config)
    total = time.perf_counter() - start
    if len(result.tokens[0]) != new_tokens:
        raise SystemExit(f"openvino: got {len(result.tokens[0])} tokens, expected {new_tokens}")
    first = result.perf_metrics.get_ttft().mean / 1000
    return first, total - first


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("prefill", "decode"))
    parser.add_argument("--model", required=True)
    parser.add_argument("--tokens", type=int, required=True, help="prompt length, or the depth to decode at")
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--backend", choices=("PA", "SDPA"), default="PA")
    arguments = parser.parse_args()

    pipeline = openvino_genai.LLMPipeline(
        arguments.model, "CPU", ATTENTION_BACKEND=arguments.backend, INFERENCE_NUM_THREADS=arguments.threads)
    generate(pipeline, WARM_UP_TOKENS, 2, seed=1)
    if arguments.kind == "prefill":
        seconds, _ = generate(pipeline, arguments.tokens, 1, seed=2)
        counted = arguments.tokens
    else:
        _, seconds = generate(pipeline, max(arguments.tokens, 1), arguments.new_tokens + 1, seed=2)
        counted = arguments.new_tokens
    print(json.dumps({"tokens_per_second": counted / seconds, "seconds": seconds}))


if __name__ == "__main__":
    main()
