#!/usr/bin/env python3
"""Writes tests/data/numpy-rng.h: numbers that NumPy draws, for tests/unit/test_base.c.

    python3 tests/unit/make_numpy_rng.py > tests/data/numpy-rng.h
"""
import numpy as np


def fnv1a(text):
    h = 2166136261
    for c in text.encode():
        h = (h ^ c) * 16777619 % 2**32
    return h


print(f"// Written by tests/unit/make_numpy_rng.py with NumPy {np.__version__}.")
print("static const numpy_case numpy_cases[] = {")
for seed in (0, 1, 42, 2**32 - 1, 2**32 + 7, 2**64 - 1):
    g = lambda: np.random.default_rng(seed)
    normals = ", ".join(x.hex() for x in g().standard_normal(3).tolist())
    integers = ", ".join(map(str, g().integers(1000, size=3)))
    print(f"    {{{seed}u, {float(g().uniform(-0.1, 0.1)).hex()}, {{{normals}}}, "
          f"{float(g().random()).hex()}, {{{integers}}}}},")
print("};")
n = np.random.default_rng(12345).standard_normal(100000)
print(f"static const double numpy_normal_largest = {float(np.abs(n).max()).hex()};")
print(f"static const double numpy_normal_last = {float(n[-1]).hex()};")
wide = np.random.default_rng(7).integers(3_000_000_000_000, size=5)
print(f"static const uint64_t numpy_integers_wide[5] = {{{', '.join(map(str, wide))}}};")
stream = np.random.SeedSequence(42, spawn_key=(fnv1a("bc/init"), 3, 0))
print(f"static const double numpy_stream_42_bc_init_3 = "
      f"{float(np.random.Generator(np.random.PCG64(stream)).random()).hex()};")
