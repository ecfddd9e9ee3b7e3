"""Control steps a second: Gymnasium's Ant-v5 (27-D), one process, random actions."""
import time

import gymnasium as gym

env = gym.make("Ant-v5", include_cfrc_ext_in_observation=False)
env.action_space.seed(0)
steps, rates = 5000, []
for repeat in range(3):
    env.reset(seed=repeat)
    start = time.perf_counter()
    for _ in range(steps):
        *_, terminated, truncated, _ = env.step(env.action_space.sample())
        if terminated or truncated:
            env.reset()
    rates.append(steps / (time.perf_counter() - start))
print(f"gymnasium_env {max(rates):.0f} steps/s")
