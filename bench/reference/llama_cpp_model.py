"""A GGUF file in llama.cpp, by the server inside the prebuilt package xllamacpp: its ids, its losses, its choices."""

import json
import pathlib
import urllib.request

import xllamacpp

SURE = 1e6  # added to a logit, so that its token is the one chosen


class LlamaCppModel:
    """Keys and values in f32, so that only the file's own types round."""

    def __init__(self, gguf: pathlib.Path, window: int, threads: int, lora: pathlib.Path | None = None):
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(gguf)
        parameters.n_ctx, parameters.n_parallel, parameters.n_gpu_layers = window, 1, 0
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
        parameters.cache_type_k = parameters.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
        parameters.swa_full = True  # a text that grows by a token is not read anew
        parameters.verbosity = -1
        if lora:
            parameters.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(lora), 1.0)]
        self.server = xllamacpp.Server(parameters)

    def ask(self, path: str, question: dict) -> dict:
        request = urllib.request.Request(self.server.listening_address + path, json.dumps(question).encode())
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=600) as answer:
            return json.load(answer)

    def ids(self, text: str) -> list[int]:
        return self.ask("/tokenize", {"content": text, "add_special": True, "parse_special": False})["tokens"]

    def complete(self, ids: list[int], count: int, bias: list) -> list[dict]:
        """Each new token and its log-probability before any bias."""
        return self.ask("/completion", {"prompt": ids, "n_predict": count, "n_probs": 1, "temperature": 0, "top_k": 1,
                                        "cache_prompt": True, "logit_bias": bias, "ignore_eos": False}
                        )["completion_probabilities"]

    def negative_log_likelihoods(self, ids: list[int]) -> list[float]:
        """As reference_model.negative_log_likelihoods, a token at a time."""
        losses = []
        for i in range(1, len(ids)):
            (token,) = self.complete(ids[:i], 1, [[ids[i], SURE]])
            assert token["id"] == ids[i], token
            losses.append(-token["logprob"])
        return losses

    def greedy(self, ids: list[int], count: int) -> list[int]:
        return [token["id"] for token in self.complete(ids, count, [])]
