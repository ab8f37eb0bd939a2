"""The real models by PyTorch + transformers from the GGUF files that tome opens. Packages: tests/golden/requirements.txt.

Conventions shared with tome's tests:
- weights: every block of the GGUF dequantised (GgufConfig(dequantize=True)), then cast to the run's dtype;
- text: BOM dropped, CRLF read as LF (what `tome text` prints), unless `raw`: then the file's bytes as they are;
- ids: the GGUF's tokenizer on the whole text, control tokens inside it read as plain text (split_special_tokens), the
  model's BOS in front when the file says so (Gemma yes, SmolLM2 no), then the first N ids, the BOS among them.
"""

import hashlib
import pathlib

import torch
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
from transformers.integrations.gguf.reader import read_gguf_metadata

HEAD_ROWS = 256  # rows of logits at a time: 256 x 262,144 x 4 bytes = 256 MiB


def load_model(gguf, dtype):
    """Attention by PyTorch's SDPA (exact softmax; eager would hold heads x N x N scores)."""
    gguf = pathlib.Path(gguf)
    return AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, quantization_config=GgufConfig(dequantize=True), dtype=dtype,
        attn_implementation="sdpa").eval()


def load_tokenizer(gguf):
    gguf = pathlib.Path(gguf)
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    if read_gguf_metadata(gguf)[0]["tokenizer.ggml.pre"] == "smollm":
        # Which transformers does not know: digits one by one, then GPT-2's split.
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    return tokenizer


def read_text(path, raw=False):
    """The text and the sha256 of the file's bytes."""
    data = pathlib.Path(path).read_bytes()
    text = data.decode("utf-8")
    if not raw:
        text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    return text, hashlib.sha256(data).hexdigest()


def document_ids(tokenizer, text, tokens):
    ids = tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    if tokenizer("a")["input_ids"][0] == tokenizer.bos_token_id:  # add_bos_token is not that of every class
        ids = [tokenizer.bos_token_id] + ids
    return ids[:tokens]


@torch.no_grad()
def negative_log_likelihoods(model, ids):
    """-log p(ids[i] | ids[:i]) for i = 1..N-1, from one forward pass over all ids; log-softmax in f32."""
    ids = torch.tensor(ids)
    hidden = model.model(ids[None], use_cache=False).last_hidden_state[0]
    parts = []
    for first in range(0, len(ids) - 1, HEAD_ROWS):
        targets = ids[first + 1 : first + 1 + HEAD_ROWS]
        logits = model.lm_head(hidden[first : first + len(targets)]).float()
        parts.append(torch.nn.functional.cross_entropy(logits, targets, reduction="none"))
    return torch.cat(parts)


@torch.no_grad()
def greedy(model, ids, count):
    """`count` greedy tokens (no end token stops them) and for each how far its logit lies above the second best."""
    chosen, margins = [], []
    new, cache = torch.tensor([ids]), None
    for _ in range(count):
        output = model(new, past_key_values=cache, use_cache=True, logits_to_keep=1)
        best = output.logits[0, -1].float().topk(2)
        chosen.append(int(best.indices[0]))
        margins.append(float(best.values[0] - best.values[1]))
        new, cache = best.indices[:1][None], output.past_key_values
    return chosen, margins
