#!/usr/bin/env python3
"""The tutorial's network, its definition unchanged, loaded from a policy file of ours: its actions are
the library's. Run by load_torch.sh."""
import sys

import safetensors.torch
import torch
from torch import nn


class PolicyNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(27, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 8), nn.Tanh()
        )

    def forward(self, x):
        return self.net(x)


policy, actions = sys.argv[1:]
net = PolicyNet()
state = safetensors.torch.load_file(policy)
head = any(name.startswith("log_std.") for name in state)
missing, strange = net.load_state_dict(state, strict=not head)  # a head is for sampling only
assert not missing and all(name.startswith("log_std.") for name in strange), (missing, strange)
data = safetensors.torch.load_file(actions)
with torch.no_grad():
    off = (net(data["obs"]) - data["action"]).abs().max().item()
# Sums over 256 products with weights up to 8 (a policy that BatchNorm was folded into), in float32.
if not off < 1e-5:
    sys.exit(f"{policy}: PyTorch's actions differ by {off:.3g}")
print(f"{policy.rsplit('/')[-1]}{' (strict=False)' if head else ''}: "
      f"PyTorch {torch.__version__} differs by {off:.2g}")
