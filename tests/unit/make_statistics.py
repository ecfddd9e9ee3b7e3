#!/usr/bin/env python3
"""Write tests/data/statistics-numpy.h: what NumPy, exact fractions and (where it is installed)
scipy say of a few samples, for test_statistics.c.

    python3 tests/unit/make_statistics.py > tests/data/statistics-numpy.h

Samples come from NumPy's default_rng(20260131) and a few by hand. The mean is the exact rational
mean rounded once; std and quantiles are NumPy's; the interquartile mean is computed in exact
fractions from its definition and, where n is a multiple of 4, checked against
scipy.stats.trim_mean(x, 0.25).
"""
import sys
from fractions import Fraction

import numpy as np

try:
    from scipy.stats import trim_mean
except ImportError:
    trim_mean = None

QS = [0, 0.01, 0.025, 0.1, 0.25, 1 / 3, 0.5, 0.75, 0.9, 0.975, 1]


def exact_iqm(x):
    n = len(x)
    lo, hi = Fraction(n, 4), Fraction(3 * n, 4)
    total = Fraction(0)
    for i, v in enumerate(sorted(x)):
        weight = min(Fraction(i + 1), hi) - max(Fraction(i), lo)
        if weight > 0:
            total += weight * Fraction(float(v))
    return float(total / (hi - lo))


def samples():
    rng = np.random.default_rng(20260131)
    yield "one", [3.25]
    yield "two", [-1.0, 4.5]
    yield "three", [10.0, -2.0, 0.125]
    yield "equal", [7.5] * 8
    yield "negative_zero", [0.0, -0.0, 0.0, -0.0, 1.0]
    for n in (4, 5, 6, 7, 8, 20, 37, 100):
        yield f"normal_{n}", rng.normal(2000, 750, n)
    yield "returns_with_falls", np.concatenate([rng.normal(4800, 90, 17), rng.uniform(-50, 900, 3)])
    yield "heavy_tailed", rng.standard_cauchy(48)
    yield "large_offset", 1e9 + rng.normal(0, 1e-3, 64)
    yield "cancelling", [1e16, 1.0, -1e16, 1.0, 1e-8, 3.0, 1e16, -1e16]


# Sample, seed, resamples.
BOOTSTRAPS = [
    ("one", 3, 50),
    ("three", 11, 400),
    ("normal_20", 7, 2000),
    ("returns_with_falls", 5, 1000),
]


def number(v):
    return repr(float(v))


def lines(values):
    values = [number(v) for v in values]
    return "".join("    %s,\n" % ", ".join(values[i : i + 4]) for i in range(0, len(values), 4))


def bootstrap(x, seed, n_resamples):
    """The percentile interval as NumPy draws it: index by index from default_rng(seed)."""
    rng = np.random.default_rng(seed)
    means = [x[[rng.integers(len(x)) for _ in x]].mean() for _ in range(n_resamples)]
    return np.quantile(means, [0.025, 0.975])


def main():
    out = sys.stdout.write
    out("// Written by tests/unit/make_statistics.py: NumPy %s" % np.__version__)
    if trim_mean is not None:
        import scipy
        out(", checked with scipy %s" % scipy.__version__)
    out(".\n")
    out("static const double statistics_qs[] = {\n%s};\n\n" % lines(QS))
    rows, by_name = [], {}
    for name, x in samples():
        x = np.asarray(x, dtype=np.float64)
        mean = float(sum(Fraction(float(v)) for v in x) / len(x))
        std = float(np.std(x, ddof=1)) if len(x) > 1 else 0.0
        iqm = exact_iqm(x)
        if trim_mean is not None and len(x) % 4 == 0:
            want = trim_mean(x, 0.25)
            assert abs(want - iqm) <= 1e-12 * max(1, np.abs(x).max()), (name, want, iqm)
        by_name[name] = x
        out("static const double statistics_%s[] = {\n%s};\n" % (name, lines(x)))
        quantiles = lines(np.quantile(x, QS)).strip()
        rows.append(
            "    {\"%s\", statistics_%s, %d,\n     %s, %s, %s, {\n    %s}},\n"
            % (name, name, len(x), number(mean), number(std), number(iqm), quantiles)
        )
    out("\nstatic const statistics_case statistics_cases[] = {\n%s};\n" % "".join(rows))
    out("\nstatic const statistics_bootstrap statistics_bootstraps[] = {\n")
    for name, seed, n_resamples in BOOTSTRAPS:
        lo, hi = bootstrap(by_name[name], seed, n_resamples)
        count = len(by_name[name])
        out("    {statistics_%s, %d, %d, %d,\n" % (name, count, seed, n_resamples))
        out("     %s, %s},\n" % (number(lo), number(hi)))
    out("};\n")


if __name__ == "__main__":
    main()
