#!/usr/bin/env python3
"""Small vocabularies and what Hugging Face's tokenizers make of nasty texts: goldens of tests/text/tokenizer*_test.cc.

    make_tokenizers.py              tokenizers/: tiny vocabularies, tiny.json, words.json, nasties.bin; fuzz/corpus/tokenizer/
    make_tokenizers.py --models DIR --books DIR --llama3 FILE
                                    tokenizers/real.json, of gemma.gguf, smollm2.gguf and Llama 3's tiktoken file
                                    (tokenizer.model of PyPI's llama-models)
    make_tokenizers.py --classes    src/text/pre_tokenizer_unicode.cc

The first two take ten minutes each, nearly all of it for the longest texts.

transformers ignores tokenizer.ggml.pre "smollm": its pre-tokenizer is set here. Texts of control tokens stay plain text
(split_special_tokens=True), invalid UTF-8 is read with errors="replace". A hash is FNV-1a over the ids as 32-bit words.
"""

import argparse
import base64
import json
import pathlib
import random
import shutil

from gguf import GGUFWriter
from tokenizer_texts import SAMPLE, STRINGS, company, generated, nasties
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers.convert_slow_tokenizer import TikTokenConverter
from transformers.integrations.gguf import convert_gguf_tokenizer, get_gguf_tokenizer

HERE = pathlib.Path(__file__).resolve().parent
FOLDER = HERE / "tokenizers"
NORMAL, UNKNOWN, CONTROL, USER, BYTE = 1, 2, 3, 4, 6
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
SMOLLM = pre_tokenizers.Sequence(
    [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
LLAMA3_SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
                r"|\s*[\r\n]+|\s+(?!\S)|\s+")
LLAMA3 = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3_SPLIT), behavior="isolated"),
                                  pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
PREPEND = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])


# ---- tiny vocabularies

def train(pre_tokenizer, size, alphabet):
    """The pieces and merges of a BPE learned from the sample."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False, min_frequency=1)
    tokenizer.train_from_iterator([SAMPLE, SAMPLE.upper(), " aaaaaaaaaaaaaaaa ==== ...   \n\n\n"], trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return sorted(model["vocab"], key=model["vocab"].get), model["merges"]


def write_gguf(name, architecture, model, tokens, types, **keys):
    writer = GGUFWriter(str(FOLDER / name), architecture)
    writer.add_tokenizer_model(model)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    for key, value in keys.items():
        getattr(writer, "add_" + key)(value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def write_byte_level():
    # Two bytes (0x00, 0xF4) have no piece, as some have none in SmolLM2.
    alphabet = sorted(set(pre_tokenizers.ByteLevel.alphabet()) - {"\u0100", "\u00f4"})
    pieces, merges = train(pre_tokenizers.ByteLevel(add_prefix_space=False), 560, alphabet)
    control = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    user = ["<think>", "</think>", "<thi", "<think>w"]
    tokens = control + pieces + user
    types = [CONTROL] * len(control) + [NORMAL] * len(pieces) + [USER] * len(user)
    for name in ("gpt-2", "smollm", "llama-bpe"):
        write_gguf(f"{name}.gguf", "llama", "gpt2", tokens, types, tokenizer_pre=name, token_merges=[" ".join(m) for m in merges],
                   bos_token_id=1, eos_token_id=2, chat_template="{{ messages }}")


def write_sentencepiece():
    pieces, merges = train(pre_tokenizers.Metaspace("\u2581", prepend_scheme="never"), 520, [])
    pieces = [p for p in pieces if p.strip("\n") and p not in "\té東駅"]  # the others are left to byte pieces
    merged = [left + right for left, right in merges]
    rank = {piece: i for i, piece in enumerate(dict.fromkeys(merged))}
    rng = random.Random(21)
    shuffled = rng.sample(pieces, len(pieces))
    # Llama: scores decide, not ids; some are equal.
    tokens = ["<unk>", "<s>", "</s>", *BYTES, *shuffled]
    scores = [0.0] * 259 + [-float(rank[p] - rank[p] % 2) if p in rank else -1e6 for p in shuffled]
    write_gguf("llama.gguf", "llama", "llama", tokens, [UNKNOWN, CONTROL, CONTROL] + [BYTE] * 256 + [NORMAL] * len(shuffled),
               token_scores=scores, bos_token_id=1, eos_token_id=2, unk_token_id=0, add_space_prefix=True)
    # Gemma: ids decide; runs of spaces and newlines are user-defined, spaces as they are.
    head = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<start_of_turn>", "<end_of_turn>"]
    user = ["\n" * n for n in range(1, 6)] + [" " * n for n in range(2, 8)] + ["<b>", "</b>", "<0x0"]
    ordered = sorted((p for p in pieces if p in rank and p.strip("\u2581")), key=rank.get)
    tokens = [*head, *user, *BYTES, *ordered, *(p for p in pieces if p not in rank)]
    types = [CONTROL] * len(head) + [USER] * len(user) + [BYTE] * 256
    types += [NORMAL] * (len(tokens) - len(types))
    write_gguf("gemma.gguf", "gemma3", "llama", tokens, types, token_scores=[-1000.0] * len(tokens), bos_token_id=2,
               eos_token_id=1, unk_token_id=3, add_bos_token=True, add_space_prefix=False)


def write_folder(name, tokenizer, **config):
    folder = FOLDER / name
    folder.mkdir()
    content = json.loads(tokenizer.to_str())
    (folder / "tokenizer.json").write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(config) + "\n")


def write_folders():
    """tokenizer.json of each kind, from the vocabularies of the GGUF files."""
    smollm, llama3, gemma, llama = (gguf_oracle(FOLDER / f"{n}.gguf") for n in ("smollm", "llama-bpe", "gemma", "llama"))
    write_folder("smollm-json", smollm, bos_token="<|im_start|>", eos_token={"content": "<|im_end|>"},
                 chat_template=[{"name": "tool", "template": "no"}, {"name": "default", "template": "{{ messages }}"}])
    llama3.post_processor = processors.TemplateProcessing("<|im_start|> $A", special_tokens=[("<|im_start|>", 1)])
    write_folder("llama3-json", llama3, bos_token="<|im_start|>", eos_token="<|im_end|>")
    gemma.normalizer = normalizers.Replace(" ", "\u2581")
    gemma.add_tokens([AddedToken("new one", normalized=True, special=False), AddedToken("<new>", normalized=False)])
    write_folder("gemma-json", gemma, bos_token="<bos>", eos_token="<eos>", add_bos_token=True)
    write_folder("llama-json", llama, bos_token="<s>", eos_token="</s>", add_bos_token=False)
    llama.normalizer = None
    llama.pre_tokenizer = pre_tokenizers.Metaspace("\u2581", prepend_scheme="first", split=False)
    llama.add_tokens([AddedToken("<sep>", normalized=False, special=False)])
    write_folder("metaspace-json", llama)


def write_corpus():
    """First inputs of fuzz/tokenizer_fuzz.cc: a text, a line end, a tokenizer.json of very few pieces."""
    folder = HERE.parents[1] / "fuzz/corpus/tokenizer"
    folder.mkdir(parents=True, exist_ok=True)
    bpe = {"type": "BPE", "dropout": None, "unk_token": None, "fuse_unk": True, "byte_fallback": False, "ignore_merges": False}
    letters = {"a": 0, "b": 1, "ab": 2, "\u0120": 3, "\u0120ab": 4, "1": 5}
    byte_level = bpe | {"vocab": letters, "merges": ["a b", "\u0120 ab"]}
    marked = {"<unk>": 0, "<0x0A>": 1, "\u2581": 2, "a": 3, "b": 4, "ab": 5, "\u2581ab": 6}
    pieces = bpe | {"vocab": marked, "merges": [["a", "b"], ["\u2581", "ab"]], "unk_token": "<unk>", "byte_fallback": True}
    added = [{"id": 7, "content": "<b>", "special": False, "normalized": False, "lstrip": False, "rstrip": False},
             {"id": 8, "content": "<s>", "special": True, "normalized": True}]
    replace = {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}
    prepend = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"}, replace]}
    last = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}
    splits = {"gpt2": last | {"use_regex": True},
              "smollm": [{"type": "Digits", "individual_digits": True}, last | {"use_regex": True}],
              "llama3": [{"type": "Split", "pattern": {"Regex": LLAMA3_SPLIT}, "behavior": "Isolated", "invert": False}, last]}
    inputs = {name: {"model": byte_level, "added_tokens": added, "bos_token": "<s>", "chat_template": "x",
                     "pre_tokenizer": {"type": "Sequence", "pretokenizers": split} if isinstance(split, list) else split}
              for name, split in splits.items()}
    inputs["gemma"] = {"model": pieces, "added_tokens": added, "normalizer": replace}
    inputs["llama"] = {"model": pieces, "normalizer": prepend, "eos_token": {"content": "<s>"}, "add_bos_token": True}
    for name, content in inputs.items():
        (folder / name).write_bytes("ab  ab<b>1\u2581<s>".encode() + b"\xff\n" + json.dumps(content).encode())


# ---- oracles

def gguf_oracle(path):
    architecture, vocabulary, _ = get_gguf_tokenizer(str(path))
    tokenizer, _ = convert_gguf_tokenizer(architecture, vocabulary)
    tokenizer.post_processor = processors.TemplateProcessing("$A")
    if vocabulary.get("pre_tokenizer_type") == "smollm":
        tokenizer.pre_tokenizer = SMOLLM
    if vocabulary.get("pre_tokenizer_type") == "llama-bpe":
        tokenizer.model.ignore_merges = True  # as Llama 3's own tokenizer.json
    if architecture == "llama" and vocabulary["tokenizer_type"] == "llama":
        # As Llama 2's own tokenizer.json and SentencePiece: a space in front, even of a space.
        tokenizer.pre_tokenizer = None
        tokenizer.normalizer = PREPEND
    return tokenizer


def tiktoken_oracle(path):
    converter = TikTokenConverter(str(path), extra_special_tokens=["<|begin_of_text|>", "<|end_of_text|>"])
    lines = pathlib.Path(path).read_bytes().splitlines()
    ranks = {base64.b64decode(piece): int(rank) for piece, rank in (line.split() for line in lines if line)}
    converter.load_tiktoken_bpe = lambda _: ranks
    return converter.converted()


def encode(tokenizer, data):
    tokenizer.encode_special_tokens = True
    return tokenizer.encode(data.decode("utf-8", "replace"), add_special_tokens=False).ids


def digest(ids):
    value = 0xCBF29CE484222325
    for token in ids:
        value = (value ^ token) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return {"count": len(ids), "hash": f"{value:016x}"}


def goldens(tokenizer, texts):
    return {"strings": [encode(tokenizer, text) for text in STRINGS],
            "texts": {name: digest(encode(tokenizer, data)) for name, data in texts.items()}}


def write_goldens(name, **goldens_of):
    content = {"strings": [text.hex() for text in STRINGS], **goldens_of}
    lines = json.dumps(content, separators=(",", ":")).replace('"],', '"],\n').replace("},", "},\n").replace("]],", "]],\n")
    (FOLDER / name).write_text(lines + "\n")


def word_goldens(pre_tokenizer):
    """Bytes of each word: a byte is a character of the byte alphabet."""
    def lengths(data):
        return [len(word) for word, _ in pre_tokenizer.pre_tokenize_str(data.decode("utf-8", "replace"))]
    return {"strings": [lengths(text) for text in STRINGS],
            "texts": {name: digest(lengths(data)) for name, data in {"nasties": nasties(), "company": company()}.items()}}


def make_tiny():
    for folder in FOLDER.glob("*-json"):
        shutil.rmtree(folder)
    write_byte_level()
    write_sentencepiece()
    write_folders()
    write_corpus()
    (FOLDER / "nasties.bin").write_bytes(nasties())
    texts = {"nasties": nasties(), **generated()}
    oracles = {path.name: gguf_oracle(path) for path in sorted(FOLDER.glob("*.gguf"))}
    oracles |= {path.name: Tokenizer.from_file(str(path / "tokenizer.json")) for path in sorted(FOLDER.glob("*-json"))}
    write_goldens("tiny.json", tokenizers={name: goldens(oracle, texts) for name, oracle in oracles.items()})
    splits = {"gpt-2": pre_tokenizers.ByteLevel(add_prefix_space=False), "smollm": SMOLLM, "llama-bpe": LLAMA3}
    write_goldens("words.json", words={name: word_goldens(split) for name, split in splits.items()})


def make_real(arguments):
    texts = {"nasties": nasties(), **generated()}
    texts |= {path.name: path.read_bytes() for path in sorted(arguments.books.iterdir())}
    oracles = {name: gguf_oracle(arguments.models / name) for name in ("gemma.gguf", "smollm2.gguf")}
    oracles["llama3"] = tiktoken_oracle(arguments.llama3)
    write_goldens("real.json", tokenizers={name: goldens(oracle, texts) for name, oracle in oracles.items()})


# ---- the table of character classes

def matching(pattern, characters):
    """The characters that an Oniguruma pattern matches."""
    split = pre_tokenizers.Split(Regex(pattern), behavior="removed")
    rest = {c for i in range(0, len(characters), 4096) for part, _ in split.pre_tokenize_str("".join(characters[i:i + 4096]))
            for c in part}
    return [c for c in characters if c not in rest]


def make_classes():
    characters = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    digits = pre_tokenizers.Digits(individual_digits=True)
    kinds = {c: "kNewNumber" for c in characters if len(digits.pre_tokenize_str("a" + c)) == 2}
    for kind, pattern in (("kLetter", r"\p{L}"), ("kNumber", r"\p{N}"), ("kSpace", r"\s")):
        kinds |= {c: kind for c in matching(pattern, characters)}
    ranges = []
    for c in sorted(kinds):
        if ranges and ranges[-1][1] == ord(c) - 1 and ranges[-1][2] == kinds[c]:
            ranges[-1][1] = ord(c)
        else:
            ranges.append([ord(c), ord(c), kinds[c]])
    path = HERE.parents[1] / "src/text/pre_tokenizer_unicode.cc"
    head, rest = path.read_text().split("const CharRange kCharRanges[] = {\n")
    lines = [""]
    for first, last, kind in ranges:
        item = f"{{0x{first:X}, 0x{last:X}, {kind}}},"
        if len(lines[-1]) + len(item) > 117:
            lines.append("")
        lines[-1] += " " + item
    table = "".join(f" {line}\n" for line in lines)
    path.write_text(f"{head}const CharRange kCharRanges[] = {{\n{table}}};{rest.split('};', 1)[1]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=pathlib.Path)
    parser.add_argument("--books", type=pathlib.Path)
    parser.add_argument("--llama3", type=pathlib.Path)
    parser.add_argument("--classes", action="store_true")
    arguments = parser.parse_args()
    if arguments.classes:
        make_classes()
    elif arguments.models and arguments.books and arguments.llama3:
        make_real(arguments)
    else:
        FOLDER.mkdir(exist_ok=True)
        make_tiny()


if __name__ == "__main__":
    main()
