"""Behavioural cloning in the `imitation` library: seconds an epoch over 50,000 pairs, two layers of 256."""
import os
import time
import warnings

warnings.filterwarnings("ignore")
import gymnasium as gym
import numpy as np
import torch
from imitation.algorithms import bc
from imitation.data.types import Transitions
from stable_baselines3.common.policies import ActorCriticPolicy

PAIRS, EPOCHS = 50_000, 2
torch.set_num_threads(os.cpu_count())
rng = np.random.default_rng(0)
obs = rng.standard_normal((PAIRS, 27), dtype=np.float32)
acts = np.tanh(rng.standard_normal((PAIRS, 8), dtype=np.float32))
pairs = Transitions(obs=obs, acts=acts, infos=np.array([{}] * PAIRS), next_obs=obs, dones=np.zeros(PAIRS, bool))
observation_space = gym.spaces.Box(-np.inf, np.inf, (27,), np.float32)
action_space = gym.spaces.Box(-1, 1, (8,), np.float32)
policy = ActorCriticPolicy(observation_space, action_space, lambda _: 1e-3, net_arch=[256, 256],
                           activation_fn=torch.nn.ReLU)
trainer = bc.BC(observation_space=observation_space, action_space=action_space, policy=policy,
                demonstrations=pairs, batch_size=256, rng=rng, device="cpu")
start = time.perf_counter()
trainer.train(n_epochs=EPOCHS, progress_bar=False)
print(f"imitation_batch256 {(time.perf_counter() - start) / EPOCHS:.4f} s/epoch")
