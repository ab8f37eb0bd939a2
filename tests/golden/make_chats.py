#!/usr/bin/env python3
"""What transformers' apply_chat_template makes of conversations: chats.json, the golden of tests/text/chat_test.cc.

    make_chats.py --models DIR      DIR holds gemma.gguf and smollm2.gguf

ChatML is SmolLM2's own template, from its GGUF. The base Gemma carries none; Gemma's and Llama's are written here after
their published prompt formats. The tiny vocabularies are of make_tokenizers.py. Answers are spans of ids: from behind the
generation prompt to the token that ends the turn. Llama 3 and 2 have the rendered text alone.
"""

import argparse
import json
import pathlib

from gguf import GGUFReader
from make_tokenizers import FOLDER, HERE, gguf_oracle
from transformers import PreTrainedTokenizerFast

GEMMA = (
    "{{ bos_token }}{% set system = messages[0].content + '\n\n' if messages[0].role == 'system' else '' %}"
    "{% set turns = messages[1:] if system else messages %}"
    "{% for m in turns %}<start_of_turn>{{ 'model' if m.role == 'assistant' else 'user' }}\n"
    "{{ system if loop.first }}{{ m.content | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
LLAMA3 = (
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content | trim }}<|eot_id|>"
    "{% endfor %}{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
LLAMA2 = (
    "{% set system = '<<SYS>>\n' + messages[0].content + '\n<</SYS>>\n\n' if messages[0].role == 'system' else '' %}"
    "{% set turns = messages[1:] if system else messages %}"
    "{% for m in turns %}{% if m.role == 'user' %}{{ bos_token }}[INST] {{ system if loop.first }}{{ m.content | trim }} [/INST]"
    "{% else %} {{ m.content | trim }}{{ eos_token }}{% endif %}{% endfor %}"
)


def conversation(*texts, system=None):
    roles = ("user", "assistant")
    turns = [{"role": roles[i % 2], "content": text} for i, text in enumerate(texts)]
    return ([{"role": "system", "content": system}] if system else []) + turns


CONVERSATIONS = [
    conversation("Who killed Kim?", "The butler."),
    conversation("Who killed Kim?", "The butler.", system="Answer in one word."),
    conversation("One?", "1", "Two?\nThe next one.", "2\n\n- two\n- zwei", "Drei? 駅 🙂", "3"),
    conversation(" Blanks at both ends ", " kept or not ", "and again\n", "yes\n", system="A system message\nof two lines. "),
    conversation("a  b   c <b>bold</b> isn't 1234", "x=1;\n\n\ny=2;", system="Système"),
]


def oracle(path, template, bos="<bos>", eos="<eos>"):
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=gguf_oracle(path), bos_token=bos, eos_token=eos)
    tokenizer.chat_template = template
    return tokenizer


def with_ids(tokenizer, messages, end):
    def ids_of(part, **more):
        return tokenizer.apply_chat_template(part, tokenize=True, return_dict=False, **more)

    ids = ids_of(messages)
    end_id = tokenizer.convert_tokens_to_ids(end)
    answers = []
    for i, message in enumerate(messages):
        if message["role"] == "assistant":
            before = ids_of(messages[:i], add_generation_prompt=True)
            assert ids[: len(before)] == before
            answers.append([len(before), ids.index(end_id, len(before)) + 1])
    return {"messages": messages, "ids": ids, "answers": answers}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=pathlib.Path, required=True)
    models = parser.parse_args().models
    field = GGUFReader(models / "smollm2.gguf").get_field("tokenizer.chat_template")
    chatml = field.contents()
    families = [
        ("chatml", FOLDER / "smollm.gguf", oracle(FOLDER / "smollm.gguf", chatml, "<|im_start|>", "<|im_end|>"), "<|im_end|>"),
        ("gemma", FOLDER / "gemma.gguf", oracle(FOLDER / "gemma.gguf", GEMMA), "<end_of_turn>"),
        ("chatml", models / "smollm2.gguf", oracle(models / "smollm2.gguf", chatml, "<|im_start|>", "<|im_end|>"), "<|im_end|>"),
        ("gemma", models / "gemma.gguf", oracle(models / "gemma.gguf", GEMMA), "<end_of_turn>"),
    ]
    content = {"tokens": [], "texts": []}
    for layout, path, tokenizer, end in families:
        chats = [with_ids(tokenizer, messages, end) for messages in CONVERSATIONS]
        tiny = path.parent == FOLDER
        content["tokens"].append({"layout": layout, "tokenizer": path.name, "tiny": tiny, "chats": chats})
    renderer = oracle(FOLDER / "gemma.gguf", None)
    for layout, template in (("llama3", LLAMA3), ("llama2", LLAMA2), ("gemma", GEMMA), ("chatml", chatml)):
        texts = [renderer.apply_chat_template(messages, tokenize=False, chat_template=template) for messages in CONVERSATIONS]
        pairs = [{"messages": m, "text": t} for m, t in zip(CONVERSATIONS, texts)]
        content["texts"].append({"layout": layout, "chats": pairs})
    lines = json.dumps(content, ensure_ascii=True, separators=(",", ":")).replace('},{"messages', '},\n{"messages')
    (HERE / "chats.json").write_text(lines.replace('},{"layout', '},\n{"layout') + "\n")


if __name__ == "__main__":
    main()
