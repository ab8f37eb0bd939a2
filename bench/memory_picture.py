#!/usr/bin/env python3
"""Draws docs/memory.svg from docs/memory.json: private memory of reading against tokens, measured by `tome`.

Each point is [tokens, bytes], `peak_private_bytes` of `tome bench prefill -m MODEL --tokens N --json` or `tome ask --json`.
"""
import json
import pathlib

DOCS = pathlib.Path(__file__).resolve().parent.parent / "docs"
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640, 360, 70, 50, 40, 110
COLOURS = ["#1f77b4", "#d2691e"]


def main() -> None:
    data = json.loads((DOCS / "memory.json").read_text())
    most_tokens = max(t for points in data.values() for t, _ in points)
    most_mib = max(b for points in data.values() for _, b in points) / 2**20 * 1.15

    def x(tokens: float) -> float:
        return LEFT + tokens / most_tokens * (WIDTH - LEFT - RIGHT)

    def y(mib: float) -> float:
        return HEIGHT - BOTTOM - mib / most_mib * (HEIGHT - BOTTOM - TOP)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="22" font-size="15">Private memory while reading, MiB, against tokens</text>',
    ]
    step = max(1, round(most_mib / 5 / 10)) * 10
    for mib in range(0, int(most_mib) + 1, step):
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(mib):.1f}" y2="{y(mib):.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y(mib) + 4:.1f}" text-anchor="end">{mib}</text>')
    for tokens in sorted({t for points in data.values() for t, _ in points if t >= most_tokens / 20}):
        label = f"{tokens // 1024}K" if tokens >= 1024 else str(tokens)
        out.append(f'<text x="{x(tokens):.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{label}</text>')
    for colour, (name, points) in zip(COLOURS, data.items()):
        line = " ".join(f"{x(t):.1f},{y(b / 2**20):.1f}" for t, b in points)
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for t, b in points:
            out.append(f'<circle cx="{x(t):.1f}" cy="{y(b / 2**20):.1f}" r="4" fill="{colour}"/>')
        t, b = points[-1]
        out.append(f'<text x="{x(t) + 10:.1f}" y="{y(b / 2**20) + 4:.1f}" fill="{colour}">{name}</text>')
    out.append("</svg>")
    (DOCS / "memory.svg").write_text("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
