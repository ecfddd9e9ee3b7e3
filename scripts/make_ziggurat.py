#!/usr/bin/env python3
"""Writes src/base/ziggurat.h: the 256-strip ziggurat of the normal density (Marsaglia & Tsang 2000).

    python3 scripts/make_ziggurat.py > src/base/ziggurat.h      # needs mpmath, numpy

NumPy's streams are defined by the tables it was built with, and these carry rounding errors of
their own (some 1e-15, relative). So the tables are computed here in 60 decimal digits, and then
NumPy's own numbers, the ones within 1e-13 of the computed, are read from its compiled module.
"""
import glob
import os

import numpy as np
from mpmath import erfc, exp, log, mp, mpf, pi, sqrt

mp.dps = 60
f = lambda x: exp(-x * x / 2)


def strips(r):
    """x[0] = v / f(r) > x[1] = r > ... for 256 strips of equal area v, the first with the tail.

    Returns (x, miss): at the right r, the topmost strip ends at f = 1 and miss is 0.
    """
    v = r * f(r) + sqrt(pi / 2) * erfc(r / sqrt(2))
    x = [v / f(r), r]
    while len(x) < 256:
        y = v / x[-1] + f(x[-1])
        if y >= 1:
            return None, mpf(256 - len(x))  # closed too early: strips too large, r too small
        x.append(sqrt(-2 * log(y)))
    return x, v / x[-1] + f(x[-1]) - 1


low, high = mpf("3.6"), mpf("3.7")
for _ in range(180):
    middle = (low + high) / 2
    low, high = (middle, high) if strips(middle)[1] > 0 else (low, middle)
r = high
x = strips(r)[0]
two52 = mpf(2) ** 52
# Index 0 is the base strip (with the tail), 255 the widest strip under it, 1 the topmost.
order = [x[0]] + x[:0:-1]
k = [x[1] / x[0] * two52, mpf(0)] + [order[i - 1] / order[i] * two52 for i in range(2, 256)]
w = [t / two52 for t in order]
fi = [mpf(1)] + [f(t) for t in order[1:]]



def as_numpy_has_it(computed, dtype):
    computed = np.array([float(t) for t in computed])
    for path in sorted(glob.glob(os.path.join(os.path.dirname(np.random.__file__), "_gen*.so"))):
        data = open(path, "rb").read()
        words = np.frombuffer(data[: len(data) // 8 * 8], dtype=dtype)
        near = np.isclose(words.astype(float), computed[0], rtol=1e-13, atol=0)
        for i in np.flatnonzero(near):
            found = words[i : i + 256]
            if len(found) == 256 and np.allclose(found.astype(float), computed, rtol=1e-13, atol=0):
                return found
    raise SystemExit("NumPy's ziggurat tables were not found in its compiled module")


with np.errstate(all="ignore"):
    k, w, fi = as_numpy_has_it(k, "<u8"), as_numpy_has_it(w, "<f8"), as_numpy_has_it(fi, "<f8")


def table(kind, name, values, show):
    rows = [", ".join(show(t) for t in values[i : i + 4]) for i in range(0, 256, 4)]
    return f"static const {kind} {name}[256] = {{\n    " + ",\n    ".join(rows) + ",\n};\n"


print("// The ziggurat of the normal density, 256 strips, with the numbers that NumPy is built with.")
print(f"// Written by scripts/make_ziggurat.py from NumPy {np.__version__}.")
print("#ifndef UNDERSTUDY_SRC_BASE_ZIGGURAT_H_\n#define UNDERSTUDY_SRC_BASE_ZIGGURAT_H_\n\n#include <stdint.h>\n\n// clang-format off")
print(f"#define ZIGGURAT_R {float(r)!r}\n#define ZIGGURAT_INV_R {float(1 / r)!r}\n")
print(table("uint64_t", "ziggurat_k", k, lambda t: f"0x{int(t):013x}u"))
print(table("double", "ziggurat_w", w, lambda t: float(t).hex()))
print(table("double", "ziggurat_f", fi, lambda t: float(t).hex()))
print("// clang-format on\n")
print("#endif  // UNDERSTUDY_SRC_BASE_ZIGGURAT_H_")
