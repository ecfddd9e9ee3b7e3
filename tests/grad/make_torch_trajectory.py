"""Writes tests/data/nn-torch-trajectory.safetensors: training trajectories by PyTorch.

    python tests/grad/make_torch_trajectory.py

Written with torch 2.13.0 and safetensors 0.8.0 (Python 3.11), on the CPU. One 11-32-32-3 network
with ReLU, 256 rows, 40 steps of batch 32 each with torch.optim.Adam and torch.optim.AdamW, in
float32: initial parameters, data, minibatches, the loss before each step, final parameters.
"""
import os

import torch
from safetensors.torch import save_file

STEPS, BATCH, ROWS = 40, 32, 256
SETTINGS = {
    "adam": (torch.optim.Adam, dict(lr=3e-3)),
    "adamw": (torch.optim.AdamW, dict(lr=3e-3, weight_decay=0.05)),
}


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Linear(11, 32), torch.nn.ReLU(), torch.nn.Linear(32, 32), torch.nn.ReLU(),
        torch.nn.Linear(32, 3))


def main():
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(ROWS, 11, generator=generator)
    y = torch.sin(x @ torch.randn(11, 3, generator=generator))
    index = torch.stack(
        [torch.randperm(ROWS, generator=generator)[:BATCH] for _ in range(STEPS)])
    out = {"x": x, "y": y, "index": index.to(torch.int32)}
    for name, value in network().state_dict().items():
        out[f"initial.net.{name}"] = value.clone()
    for run, (optimiser, options) in SETTINGS.items():
        net = network()
        opt = optimiser(net.parameters(), **options)
        losses = []
        for batch in index:
            loss = torch.nn.functional.mse_loss(net(x[batch]), y[batch])
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        out[f"{run}.losses"] = torch.tensor(losses, dtype=torch.float64)
        for name, value in net.state_dict().items():
            out[f"{run}.net.{name}"] = value.clone()
    path = os.path.join(os.path.dirname(__file__), "..", "data", "nn-torch-trajectory.safetensors")
    save_file(out, path, metadata={"torch": torch.__version__})


if __name__ == "__main__":
    main()
