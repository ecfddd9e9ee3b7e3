"""Pickles of every protocol for tests/unit/test_pickle.c: python tests/unit/make_pickles.py >tests/data/pickles.h

Made with Python 3.11 and NumPy 2.4.6.
"""
import collections, pickle

import numpy as np

VALUE = collections.OrderedDict([
    ("none", None),
    ("truths", [True, False]),
    ("ints", (0, 255, 65535, -1, 2**31 - 1, -(2**31), 2**40, -(2**63), 2**63, 2**100)),
    ("floats", [1.5, -0.0, 1e300, float("inf")]),
    ("text", "d\u00e9j\u00e0\n\\'\" \u20ac\U0001f9be"),
    ("bytes", bytes(range(256))),
    ("empty", [(), [], {}, "", b""]),
    ("set", {"one"}),
    ("array", np.array([[1.5, -2.0, 3.0], [4.0, 5.0, 1e-9]])),
    ("single", np.float32([0.1, 2])),
    ("small", np.array([-3, 127], np.int8)),
    ("truths_array", np.array([True, False])),
    ("scalar", np.float64(2.5)),
    ("shared", None),
])
VALUE["shared"] = VALUE["text"]


def main():
    print("// Made by tests/unit/make_pickles.py: one value in every protocol.")
    for protocol in range(6):
        data = pickle.dumps(VALUE, protocol)
        print(f"static const unsigned char pickle{protocol}[{len(data)}] = {{")
        for i in range(0, len(data), 18):
            print("    " + " ".join(f"{b}," for b in data[i:i + 18]))
        print("};")


if __name__ == "__main__":
    main()
