"""Demonstrations: control steps a second with a Stable-Baselines3 SAC policy in the loop (Ant-v5, 27-D).

The expert's weights are put into SB3's actor, so that both sides see the same states.

    collect_rate.py EXPERT.safetensors
"""
import os
import sys
import time

import gymnasium as gym
import torch
from safetensors.torch import load_file
from stable_baselines3 import SAC

torch.set_num_threads(os.cpu_count())
env = gym.make("Ant-v5", include_cfrc_ext_in_observation=False)
model = SAC("MlpPolicy", env, device="cpu", seed=0, buffer_size=1000)
weights = load_file(sys.argv[1])
actor = model.policy.actor
for layer, name in ((actor.latent_pi[0], "net.0"), (actor.latent_pi[2], "net.2"), (actor.mu, "net.4")):
    layer.weight.data.copy_(weights[name + ".weight"])
    layer.bias.data.copy_(weights[name + ".bias"])
steps, rates = 4000, []
for repeat in range(3):
    obs, _ = env.reset(seed=repeat)
    start = time.perf_counter()
    for _ in range(steps):
        action, _ = model.predict(obs, deterministic=True)
        obs, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            obs, _ = env.reset()
    rates.append(steps / (time.perf_counter() - start))
print(f"sb3_collect {max(rates):.0f} steps/s")
