#!/usr/bin/env python3
"""Cut the small golden files that live in the repository out of the full ones.

    python3 tests/golden/cut_golden.py FULL_FOLDER tests/data

FULL_FOLDER holds ant-27.safetensors and ant-105.safetensors: trajectories of Gymnasium 1.4.0. Of
two seeds the first steps are kept, byte for byte; a reset after them does not depend on how many
steps were taken. Needs nothing but Python.
"""
import json
import struct
import sys
from pathlib import Path

# file -> (seed, steps kept); a seed with fewer steps is kept whole, its ending included
KEEP = {"ant-27": [(0, 300), (1, 120)], "ant-105": [(0, 300), (1, 60)]}


def read(path):
    blob = path.read_bytes()
    (n,) = struct.unpack("<Q", blob[:8])
    header = json.loads(blob[8 : 8 + n])
    header.pop("__metadata__", None)
    return header, blob[8 + n :]


def cut(entry, data, name, n_steps):
    """First rows of a tensor: n_steps, or one more where row 0 is the state after the reset."""
    begin, end = entry["data_offsets"]
    shape = list(entry["shape"])
    short = name.split(".", 1)[1]
    if short == "obs_after_next_reset":
        return shape, data[begin:end]
    rows = min(shape[0], n_steps + (short in ("obs", "qpos", "qvel")))
    row_bytes = (end - begin) // shape[0]
    shape[0] = rows
    return shape, data[begin : begin + rows * row_bytes]


def main():
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    for name, seeds in KEEP.items():
        header, data = read(source / f"{name}.safetensors")
        out, chunks, offset = {}, [], 0
        for seed, n_steps in seeds:
            for key in sorted(k for k in header if k.startswith(f"seed{seed}.")):
                shape, chunk = cut(header[key], data, key, n_steps)
                out[key] = {
                    "dtype": header[key]["dtype"],
                    "shape": shape,
                    "data_offsets": [offset, offset + len(chunk)],
                }
                chunks.append(chunk)
                offset += len(chunk)
        text = json.dumps(out, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        path = target / f"golden-{name}.safetensors"
        path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(chunks))
        print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main()
