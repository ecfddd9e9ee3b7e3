"""The whole experiment in PyTorch and Gymnasium, as a tutorial's notebook has it: demonstrations,
behavioural cloning, DAgger, evaluation. The same settings as presets/ant-v5.yaml: eleven trainings
of DAgger (round 0 and ten more), an evaluation of each round on ten episodes.

    whole_experiment.py EXPERT.safetensors [--rounds 10] [--epochs 100]
"""
import argparse
import os
import time

import gymnasium as gym
import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("expert")
parser.add_argument("--batch", type=int, default=256)
parser.add_argument("--epochs", type=int, default=100)
parser.add_argument("--rounds", type=int, default=10)
args = parser.parse_args()
torch.set_num_threads(os.cpu_count())
torch.manual_seed(0)
env = gym.make("Ant-v5", include_cfrc_ext_in_observation=False)


def network():
    return nn.Sequential(nn.Linear(27, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 8), nn.Tanh())


@torch.no_grad()
def act(net, obs):
    return net(torch.as_tensor(obs, dtype=torch.float32)).numpy()


def rollout(actor, episodes, seed, labeller=None):
    observations, labels, returns = [], [], []
    for episode in range(episodes):
        obs, _ = env.reset(seed=seed + episode)
        total, done = 0.0, False
        while not done:
            action = actor(obs)
            observations.append(obs)
            labels.append(labeller(obs) if labeller else action)
            obs, reward, terminated, truncated, _ = env.step(action)
            total += reward
            done = terminated or truncated
        returns.append(total)
    return np.float32(observations), np.float32(labels), np.array(returns)


def clone(observations, labels):
    net = network()
    adam = torch.optim.Adam(net.parameters(), lr=1e-3)
    data = torch.utils.data.TensorDataset(torch.from_numpy(observations), torch.from_numpy(labels))
    loader = torch.utils.data.DataLoader(data, batch_size=args.batch, shuffle=True)
    for _ in range(args.epochs):
        for x, y in loader:
            loss = nn.functional.mse_loss(net(x), y)
            adam.zero_grad()
            loss.backward()
            adam.step()
    return lambda obs: act(net, obs)


expert_net = network()
expert_net.load_state_dict({k.removeprefix("net."): v for k, v in load_file(args.expert).items() if k.startswith("net.")})
expert = lambda obs: act(expert_net, obs)
start = mark = time.perf_counter()


def lap(name, text=""):
    global mark
    now = time.perf_counter()
    print(f"{name} {now - mark:.1f} s {text}", flush=True)
    mark = now


O, A, R = rollout(expert, 50, 0)
lap("demonstrations", f"return {R.mean():.0f}")
bc = clone(O, A)
lap("behavioural_cloning")
first = 10 * 1000
D_O, D_A = O[:first], A[:first]
learner = clone(D_O, D_A)
R = rollout(learner, 10, 3000)[2]
lap("dagger_round_0", f"return {R.mean():.0f}, labels {len(D_O)}")
for i in range(args.rounds):
    o, l, _ = rollout(learner, 10, 2000 + 10 * i, expert)
    D_O, D_A = np.concatenate([D_O, o]), np.concatenate([D_A, l])
    learner = clone(D_O, D_A)
    R = rollout(learner, 10, 3000)[2]
    lap(f"dagger_round_{i + 1}", f"return {R.mean():.0f}, labels {len(D_O)}")
for name, actor in (("random", lambda _: env.action_space.sample()), ("bc", bc), ("dagger", learner), ("expert", expert)):
    R = rollout(actor, 20, 100_000)[2]
    lap(f"evaluate_{name}", f"return {R.mean():.0f} +- {R.std():.0f}")
print(f"whole_experiment {time.perf_counter() - start:.1f} s")
