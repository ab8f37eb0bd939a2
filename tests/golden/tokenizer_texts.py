"""Texts for the goldens of tokenizers: the usual, and all that is nasty."""

import random

SAMPLE = """It was a quarter past six when the stranger left the railway station, and the rain hadn't stopped. "You'll
find him at the inn," said the guard; "he's been there since the 14th of March, 1887." She didn't answer. The house was
the fourth on the left: a tall, narrow house, with a green door and three windows that weren't lit.

    The café's owner, Señor Núñez, wouldn't speak of it, and they've never asked him again; we'd all rather forget.
  1. the letter   2. the lamp   3. the knife (100 francs, 25 centimes)
\t"Who's there?" -- no one. I'm sure that nobody'd been in the room: the dust lay an inch thick, and the clock had stopped.
The river ran under the road there, and the road ran under the railway. 東京の駅で彼は手紙を読んだ。 Она читала письмо.
"""

STRINGS = [
    b"", b" ", b"  ", b"   ", b"\n", b"\n\n", b"\r\n", b"\r\n\r\n \r\n", b"\t", b"\t\t x", b"\0", b"a\0b", b"a", b" a", b"  a",
    b"Hello world", b" Hello  world ", b"Hello\nworld\n\n\nagain\n", b"the house and the river", b"  the   house    and",
    b"I'm you're he's we'll they've she'd don't", b"I'M YOU'RE HE'S WE'LL THEY'VE SHE'D DON'T", b"'s 'S 'ss ' s 'll 'lL 'l '",
    "it'\u017f 'ſt x'ſ".encode(), b"''s'''t", b"1", b"12", b"123", b"1234", b"12345678901", b" 1 22 333 4444", b"a1b22c333", b"3.14",
    "x²y½ Ⅷ ٣٤ 一二 𑷠 𖿴".encode(), b"1887\n1888\r\n1889 ", b"x=1;  y =  2 ;\n\tif (x) {\n\t\treturn;\n\t}\n", b"...!!!???", b" ... !!",
    b"- -- --- ---- -----", b"end.\n\nBegin", b"end. \n \n Begin", b"a \n", b"a  \n  b", b" \n", b"\n ", b"x\n\n\n\n", b"\n\n\n\nx",
    "a\u00a0b\u2003c\u3000d\u0085e\u2028f".encode(), "\u00a0\u00a0x \u00a0 y".encode(), "café Núñez naïve".encode(),
    "cafe\u0301 e\u0301\u0302\u0323".encode(), "\u0301 \u0301a".encode(), "東京の駅".encode(), "한국어 텍스트".encode(), "Она читала".encode(),
    "שלום עולם".encode(), "مرحبا بالعالم".encode(), "हिन्दी में".encode(), "ไทย".encode(), "😀😀 😀".encode(), "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽".encode(),
    "🇫🇷🇩🇪🇯".encode(), "a\u200db\u200c\u200bc\ufeff".encode(), "\ufeffstart".encode(), "\u2581the\u2581house \u2581 x".encode(),
    "\u2581".encode(), "\u2581\u2581\u2581".encode(), "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐍈 \U0010ffff \uffff \ue000".encode(), b"<s></s><unk><pad><bos><eos>",
    b"<|im_start|>user\n<|im_end|>", b"<|endoftext|><|eot_id|><|begin_of_text|>", b"<start_of_turn>user\nhi<end_of_turn>\n",
    b"<b>bold</b> <i>x</i>", b"<think>why</think> <thinking>", b"<thi <think <<think>>", b"<0x0A><0x41>", b"a<0x", b"<b><b ><B>",
    b"\x80", b"\xff\xfe", b"a\xc3", b"a\xc3b", b"\xe2\x96", b"\xe2\x96x", b"\xf0\x9f\x98", b"\xf0\x9f\x98a", b"\xed\xa0\x80", b"\xc0\x80\xc1\xbf",
    b"\xf4\x90\x80\x80", b"\xe0\x80\x80 \xf8\x88\x80\x80\x80", b"ok \xe2\x82\xac \xe2\x82 \xac", b"\xe2\x96\x81\xe2\x96\x81\xe2\x96",
    b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", b"=" * 70, b" " * 70 + b"x", b"\n" * 70 + b"x",
    b"\t" * 40, b"ab" * 40, "é".encode() * 50, b"supercalifragilisticexpialidocious" * 3,
]


def nasties():
    """Bytes of every kind in a random, seeded order; runs of every length."""
    rng = random.Random(20)
    planes = [chr(c) for plane in range(17) for c in range(plane << 16, (plane << 16) + 0x10000, 911) if not 0xD800 <= c < 0xE000]
    parts = [*STRINGS, *(c.encode() for c in planes), *(f"{word} ".encode() for word in SAMPLE.split())]
    out = []
    for length in range(1, 70):
        out += [b" " * length, b"x", b"\n" * length, b"y", b"\r\n" * (length % 9), b"\t" * length, b"a" * length, b".7" * (length % 5)]
    for _ in range(6000):
        out.append(rng.choice(parts) if rng.random() < 0.8 else bytes(rng.randrange(256) for _ in range(rng.randrange(1, 4))))
    return b"".join(out)


def company():
    """Every character beside a letter, a digit, a space, a line end, an apostrophe and itself; of those that are all
    alike (Han, Hangul, private use, planes 2 and up) one in 64."""
    alike = [(0x3400, 0xA000), (0xAC00, 0xD7A4), (0xE000, 0xF900), (0x20000, 0x110000)]
    codes = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000
             and (c % 64 == 0 or not any(first <= c < last for first, last in alike))]
    return "".join(f"a{c}{c}1{c} {c} a{c}\n'{c}" for c in map(chr, codes)).encode()


def generated():
    """Long texts that the tests make for themselves (tests/text/tokenizer_goldens.h), by name."""
    characters = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    return {
        "every character": "".join(("'" if ord(c) < 0x3000 else "") + c + "a" for c in characters).encode(),
        "one letter": b"a" * 1_000_000,
        "spaces": b" " * 100_000 + b"x",
        "line ends": b"\n" * 100_000 + b"\r\n" * 50_000,
    }
