"""Behavioural cloning in PyTorch: seconds an epoch over 50,000 pairs, 27-256-256-8, Adam."""
import os
import time

import torch
from torch import nn

PAIRS = 50_000
torch.set_num_threads(os.cpu_count())
torch.manual_seed(0)
obs, action = torch.randn(PAIRS, 27), torch.tanh(torch.randn(PAIRS, 8))
net = nn.Sequential(nn.Linear(27, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 8), nn.Tanh())
adam = torch.optim.Adam(net.parameters(), lr=1e-3)


def update(x, y):
    loss = nn.functional.mse_loss(net(x), y)
    adam.zero_grad()
    loss.backward()
    adam.step()


def epoch_of_tensors(batch):
    order = torch.randperm(PAIRS)
    for rows in order.split(batch):
        update(obs[rows], action[rows])


def epoch_of_loader(batch):
    data = torch.utils.data.TensorDataset(obs, action)
    for x, y in torch.utils.data.DataLoader(data, batch_size=batch, shuffle=True):
        update(x, y)


for batch in (64, 256):
    for name, epoch in (("tensors", epoch_of_tensors), ("dataloader", epoch_of_loader)):
        epoch(batch)  # warm up
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            epoch(batch)
            seconds.append(time.perf_counter() - start)
        print(f"torch_{name}_batch{batch} {min(seconds):.4f} s/epoch", flush=True)
