#!/usr/bin/env python3
"""Exported policies beside the library's own actions, in the software that they are for. Run by
compare_export.sh on the samples that test_export wrote: every activation, inside and at the end, with
bounds and clips. ONNX models pass ONNX's checker with its shape inference and give the library's
actions in onnxruntime; .npz files are loaded by numpy.load, without pickle, and a forward pass in
NumPy gives those actions too."""
import json
import math
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from safetensors.numpy import load_file

TOLERANCE = 1e-6

# Plain definitions, in float64.
ACTIVATIONS = {
    "identity": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "tanh": np.tanh,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "elu": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    "silu": lambda z: z / (1 + np.exp(-z)),
    "gelu": lambda z: 0.5 * z * (1 + np.vectorize(math.erf)(z / math.sqrt(2))),
    "leaky_relu": lambda z: np.where(z < 0, 0.01 * z, z),
    "softplus": lambda z: np.logaddexp(0, z),
}


def off(found, expected):
    """The largest difference; where actions go beyond 1, as a share of the largest."""
    assert found.shape == expected.shape and np.isfinite(found).all()
    return float(np.max(np.abs(found - expected)) / max(1, np.max(np.abs(expected))))


def check_onnx(path, obs, action):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    facts = {p.key: p.value for p in model.metadata_props}
    assert facts["task"] == "Ant-v5" and facts["made_by"] == 'naïve "🤖"', facts
    assert [v.name for v in model.graph.input] == ["obs"]
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (given,), (gives,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.shape, given.type) == ("obs", ["batch", obs.shape[1]], "tensor(float)")
    assert (gives.name, gives.shape) == ("action", ["batch", action.shape[1]])
    worst = off(session.run(["action"], {"obs": obs})[0], action)
    for n in (1, 7):  # the batch is of any size
        worst = max(worst, off(session.run(None, {"obs": obs[:n]})[0], action[:n]))
    return worst


def check_npz(path, obs, action):
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    facts = json.loads(str(arrays.pop("metadata")))
    assert facts["made_by"] == 'naïve "🤖"' and int(facts["obs_dim"]) == obs.shape[1], facts
    layers = len(arrays) // 2
    x = obs.astype(np.float64)
    if "obs_low" in facts:
        x = np.clip(x, *(np.array(facts[k].split(), float) for k in ("obs_low", "obs_high")))
    for i in range(layers):
        weight, bias = arrays[f"net.{2 * i}.weight"], arrays[f"net.{2 * i}.bias"]
        assert weight.dtype == bias.dtype == np.float32
        x = x @ weight.T.astype(np.float64) + bias
        x = ACTIVATIONS[facts["activation" if i < layers - 1 else "output"]](x)
    if "action_low" in facts:
        low, high = (np.array(facts[k].split(), float) for k in ("action_low", "action_high"))
        if facts["output"] == "tanh":
            x = (low + high) / 2 + (high - low) / 2 * x
        if facts["action_clip"] == "true":
            x = np.clip(x, low, high)
    return off(x, action)


def main():
    worst, n = {"onnx": 0.0, "npz": 0.0}, 0
    seen = set()
    for sample in sorted(Path(sys.argv[1]).glob("*.safetensors")):
        data = load_file(sample)
        obs, action = data["obs"], data["action"]
        for kind, check in (("onnx", check_onnx), ("npz", check_npz)):
            error = check(str(sample.with_suffix("." + kind)), obs, action)
            if error > TOLERANCE:
                sys.exit(f"{sample.stem}.{kind}: actions differ by {error:.3g}")
            worst[kind] = max(worst[kind], error)
        seen |= set(sample.stem.split("-")[:2])
        n += 1
    assert n >= 25 and seen >= set(ACTIVATIONS), seen
    print(f"{n} policies: onnxruntime {onnxruntime.__version__} differs by {worst['onnx']:.2g}, "
          f"NumPy in float64 by {worst['npz']:.2g}")


main()
