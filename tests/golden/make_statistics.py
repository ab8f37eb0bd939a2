#!/usr/bin/env python3
"""statistics.json: intervals and paired tests as scipy and statsmodels compute them.

    pip install scipy==1.16.2 statsmodels==0.14.5
    python3 tests/golden/make_statistics.py
"""

import json
import pathlib
import random

from scipy.stats import permutation_test
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

HERE = pathlib.Path(__file__).resolve().parent


def wilson():
    cases = [(0, 1), (1, 1), (0, 20), (20, 20), (7, 20), (60, 60), (91, 112), (1, 1000), (4321, 10000)]
    return [{"right": k, "n": n, "interval": proportion_confint(k, n, 0.05, method="wilson")} for k, n in cases]


def binary_pairs(rng, n, first, second):
    a = [int(rng.random() < first) for _ in range(n)]
    b = [int(rng.random() < (second if x == 0 else (1 + second) / 2)) for x in a]
    table = [[0, 0], [0, 0]]
    for x, y in zip(a, b):
        table[1 - x][1 - y] += 1
    return {"first": a, "second": b, "p": mcnemar(table, exact=True).pvalue}


def real_pairs(rng, n, shift):
    a = [round(rng.random(), 3) for _ in range(n)]
    b = [round(min(1, max(0, x + rng.gauss(shift, 0.2))), 3) for x in a]
    result = permutation_test((b, a), lambda x, y: (x - y).mean(), permutation_type="samples", n_resamples=10**6)
    return {"first": a, "second": b, "p": result.pvalue}


def main():
    rng = random.Random(7)
    data = {
        "wilson": wilson(),
        "binary": [binary_pairs(rng, n, p, q) for n, p, q in [(1, 0.5, 0.5), (20, 0.3, 0.6), (50, 0.5, 0.5), (200, 0.8, 0.6)]],
        "real": [real_pairs(rng, n, s) for n, s in [(3, 0.1), (8, 0.2), (14, 0.05), (16, 0.1)]],
    }
    (HERE / "statistics.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
