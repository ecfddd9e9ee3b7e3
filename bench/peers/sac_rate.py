"""Soft actor-critic on Ant-v5 (27 observations): updates a second, 256 x 256, batch 256, each with one
environment step. The first argument says whose: sb3 (Stable-Baselines3, PyTorch) or sbx (JAX)."""
import sys
import time

import gymnasium as gym

library = sys.argv[1]
if library == "sb3":
    import os

    import torch
    from stable_baselines3 import SAC

    torch.set_num_threads(os.cpu_count())
    options, updates = {"device": "cpu"}, 600
else:
    from sbx import SAC

    options, updates = {}, 1500

START = 1000  # random steps, and then some updates that are not timed: compiling, warming up
env = gym.make("Ant-v5", include_cfrc_ext_in_observation=False)
model = SAC("MlpPolicy", env, learning_starts=START, buffer_size=100_000, seed=0, **options)
model.learn(START + 200)
best = 0.0
for _ in range(3):
    begin = time.perf_counter()
    model.learn(updates, reset_num_timesteps=False)
    best = max(best, updates / (time.perf_counter() - begin))
print(f"{library}_sac {best:.1f} updates/s")
