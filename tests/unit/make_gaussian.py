#!/usr/bin/env python3
"""Write tests/data/gaussian-policy.safetensors, a Gaussian policy as PyTorch would save it, and
tests/data/gaussian-torch.safetensors, what PyTorch and NumPy say that it does, for test_gaussian.c.

    python3 tests/unit/make_gaussian.py tests/data

The network is a torch.nn.Sequential; row i's noise is numpy.random.default_rng(100 + i)'s
standard_normal, so that samples can be compared number by number. Samples are checked against the
cumulative distribution of torch.distributions' tanh-transformed normal.
"""
import sys

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.distributions import Normal, TransformedDistribution
from torch.distributions.transforms import AffineTransform, TanhTransform

O, A, N = 27, 8, 16


def bounded(z, how, low, high):
    if how == "clamp":
        return z.clamp(low, high)
    return low + 0.5 * (high - low) * (torch.tanh(z) + 1)


def sampled(mean, log_std, noise, low=None, high=None):
    """Actions from the noise; tanh where there are bounds. Agrees with torch.distributions?"""
    u = mean + log_std.exp() * noise
    if low is None:
        return u
    mid, half = (low + high) / 2, (high - low) / 2
    action = mid + half * torch.tanh(u)
    law = TransformedDistribution(
        Normal(mean, log_std.exp()), [TanhTransform(), AffineTransform(mid, half)])
    # The quantile of the noise under N(0, 1) is the action's under the law.
    away = (law.cdf(action) - Normal(0, 1).cdf(noise)).abs()[noise.abs() < 2].max()
    assert away < 1e-6, away
    return action


def main(folder):
    torch.manual_seed(20260201)
    trunk = nn.Sequential(nn.Linear(O, 24), nn.ReLU(), nn.Linear(24, 16), nn.ReLU())
    mean_layer, log_std_layer = nn.Linear(16, A), nn.Linear(16, A)
    with torch.no_grad():
        # Wide enough that every bound is reached by some of the numbers.
        for layer, gain in ((trunk[0], 2), (trunk[2], 2), (mean_layer, 1.5), (log_std_layer, 3)):
            layer.weight.mul_(gain)
        log_std_layer.bias.sub_(0.7)
        obs = torch.from_numpy(np.random.default_rng(1).standard_normal((N, O)))
        h = trunk(obs.float())
        mean, z = mean_layer(h).double(), log_std_layer(h).double()
        noise = torch.from_numpy(np.stack(
            [np.random.default_rng(100 + i).standard_normal(A) for i in range(N)]))
        clamped = bounded(z, "clamp", -2.0, 0.0)
        assert (clamped == -2).any() and (clamped == 0).any() and (clamped == z).any()
        default = bounded(z, "clamp", -20.0, 2.0)
        squashed = bounded(z, "squash", -5.0, 2.0)
        one, three = torch.tensor(1.0).double(), torch.tensor(3.0).double()
        numbers = {
            "obs": obs,
            "mean": mean,
            "log_std": clamped,
            "deterministic": torch.tanh(mean),
            "clamp": sampled(mean, clamped, noise, -one, one),
            "default": sampled(mean, default, noise, -one, one),
            "squash": sampled(mean, squashed, noise, -one, one),
            "bounds": sampled(mean, clamped, noise, -one, three),
            "identity": sampled(mean, clamped, noise),
        }
    policy = {
        "net.0.weight": trunk[0].weight, "net.0.bias": trunk[0].bias,
        "net.2.weight": trunk[2].weight, "net.2.bias": trunk[2].bias,
        "net.4.weight": mean_layer.weight, "net.4.bias": mean_layer.bias,
        "log_std.weight": log_std_layer.weight, "log_std.bias": log_std_layer.bias,
    }
    policy = {name: tensor.detach().contiguous() for name, tensor in policy.items()}
    save_file(policy, folder + "/gaussian-policy.safetensors", {
        "format": "understudy.policy/1", "task": "Ant-v5", "activation": "relu", "output": "tanh",
        "contact_obs": "false", "log_std_bound": "clamp", "log_std_min": "-2", "log_std_max": "0",
        "made_by": "PyTorch " + torch.__version__.split("+")[0]})
    save_file({name: t.contiguous() for name, t in numbers.items()},
              folder + "/gaussian-torch.safetensors",
              {"torch": torch.__version__, "numpy": np.__version__})


if __name__ == "__main__":
    main(sys.argv[1])
