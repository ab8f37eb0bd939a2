#!/usr/bin/env python3
"""Draws docs/memory.svg and docs/training-memory.svg: memory against tokens, of reading and of training.

Each point of docs/memory.json is [tokens, bytes]: `peak_private_bytes` of `tome bench prefill -m MODEL --tokens N --json` or
`tome ask --json`. docs/training-memory.json: of `tome bench train ... --activations 0 --json`, PyTorch's peak RSS, and what
a matrix of tokens x tokens alone would take; docs/performance.md has the commands.
"""
import json
import pathlib

DOCS = pathlib.Path(__file__).resolve().parent.parent / "docs"
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640, 360, 70, 50, 40, 110
COLOURS = ["#1f77b4", "#d2691e", "#7a4fa3", "#3c8d40"]


def draw(name: str, title: str, most: float | None = None) -> None:
    """`most`: the largest MiB that is shown; steeper lines leave the picture."""
    data = json.loads((DOCS / f"{name}.json").read_text())
    most_tokens = max(t for points in data.values() for t, _ in points)
    most_mib = most or max(b for points in data.values() for _, b in points) / 2**20 * 1.15

    def x(tokens: float) -> float:
        return LEFT + tokens / most_tokens * (WIDTH - LEFT - RIGHT)

    def y(mib: float) -> float:
        return HEIGHT - BOTTOM - mib / most_mib * (HEIGHT - BOTTOM - TOP)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="22" font-size="15">{title}</text>',
        f'<clipPath id="plot"><rect x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT - TOP - BOTTOM}"/></clipPath>',
    ]
    step = max(1, round(most_mib / 5 / 10)) * 10
    for mib in range(0, int(most_mib) + 1, step):
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(mib):.1f}" y2="{y(mib):.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y(mib) + 4:.1f}" text-anchor="end">{mib}</text>')
    for tokens in sorted({t for points in data.values() for t, _ in points if t >= most_tokens / 20}):
        tick = f"{tokens // 1024}K" if tokens % 1024 == 0 else f"{tokens:,}"
        out.append(f'<text x="{x(tokens):.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{tick}</text>')
    for colour, (label, points) in zip(COLOURS, data.items()):
        line = " ".join(f"{x(t):.1f},{y(b / 2**20):.1f}" for t, b in points)
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2" clip-path="url(#plot)"/>')
        shown = [(t, b) for t, b in points if b / 2**20 <= most_mib]
        for t, b in shown:
            out.append(f'<circle cx="{x(t):.1f}" cy="{y(b / 2**20):.1f}" r="4" fill="{colour}"/>')
        t, b = shown[-1]
        out.append(f'<text x="{x(t) + 10:.1f}" y="{y(b / 2**20) + 4:.1f}" fill="{colour}">{label}</text>')
    out.append("</svg>")
    (DOCS / f"{name}.svg").write_text("\n".join(out) + "\n")


def main() -> None:
    draw("memory", "Private memory while reading, MiB, against tokens")
    draw("training-memory", "Memory of a training step, MiB, against tokens (SmolLM2-135M)", most=16384)


if __name__ == "__main__":
    main()
