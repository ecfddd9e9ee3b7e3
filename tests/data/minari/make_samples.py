"""Makes the sample files of this folder with Minari itself; README.md says how.

pendulum   InvertedPendulum-v5, a balancing expert, 4 episodes cut at 40 steps (DataCollector)
falls      InvertedPendulum-v5, 2 random episodes that end by falling, a few steps long: for fuzzing
dict, tuple, discrete, image, matrix   made-up steps in spaces that Understudy does not take

and, in the layouts of other software, pendulum's episodes once more:

d4rl.hdf5           flat arrays, compressed, the last episode cut short in its middle
d4rl-follow.hdf5    the same without timeouts: next_observations tell where an episode ends
imitation.npz       as imitation.data.types.save wrote trajectories (0.3), infos pickled and all
sparse.hdf5, elsewhere.hdf5, detour.hdf5   what must not be read: rows never written, data in other
                    files, and those by way of a link in the file
"""

import os
import shutil
import sys

os.environ["MINARI_DATASETS_PATH"] = os.path.abspath(sys.argv[1])

import gymnasium as gym  # noqa: E402
import h5py  # noqa: E402
import minari  # noqa: E402
import numpy as np  # noqa: E402
from gymnasium import spaces  # noqa: E402
from minari.data_collector import EpisodeBuffer  # noqa: E402

FACTS = dict(author="Understudy's tests", author_email="nobody@example.org", code_permalink="make_samples.py",
             algorithm_name="made up", description="a sample for a test")


def collect(name, steps, episodes, act):
    env = minari.DataCollector(gym.make("InvertedPendulum-v5", max_episode_steps=steps))
    for i in range(episodes):
        obs, _ = env.reset(seed=i)
        rng = np.random.default_rng(i)
        done = False
        while not done:
            obs, _, terminated, truncated, _ = env.step(act(obs, rng))
            done = terminated or truncated
    return env.create_dataset(name, eval_env="InvertedPendulum-v5", **FACTS)


def balance(obs, rng):
    # stiff enough to swing to and fro, so that there is something to learn
    return np.clip([12 * np.dot([0.3, 4.0, 0.5, 0.9], obs)], -3, 3).astype(np.float32)


def fall(obs, rng):
    return np.array([3.0 if obs[1] < 0 else -3.0], dtype=np.float32)


def made_up(name, observation_space, action_space):
    observation_space.seed(0)
    action_space.seed(0)
    buffer = EpisodeBuffer(
        seed=0,
        observations=stack([observation_space.sample() for _ in range(4)]),
        actions=[action_space.sample() for _ in range(3)],
        rewards=[0.0, 1.0, 2.0], terminations=[False] * 3, truncations=[False, False, True], infos={})
    minari.create_dataset_from_buffers(name, [buffer], observation_space=observation_space,
                                       action_space=action_space, **FACTS)


def stack(samples):
    if isinstance(samples[0], dict):
        return {key: stack([s[key] for s in samples]) for key in samples[0]}
    if isinstance(samples[0], tuple):
        return tuple(stack(list(part)) for part in zip(*samples))
    return samples


box = spaces.Box(-1, 1, (4,), np.float64)
torque = spaces.Box(-3, 3, (1,), np.float32)
episodes = list(collect("pendulum-v0", 40, 4, balance).iterate_episodes())
collect("falls-v0", 40, 2, fall)
made_up("dict-v0", spaces.Dict({"goal": spaces.Box(-1, 1, (2,)), "state": box}), torque)
made_up("tuple-v0", spaces.Tuple((box, torque)), torque)
made_up("discrete-v0", box, spaces.Discrete(3))
made_up("image-v0", spaces.Box(0, 255, (32, 32, 3), np.uint8), torque)
made_up("matrix-v0", spaces.Box(-1, 1, (2, 2), np.float64), torque)

flat = {
    "observations": np.concatenate([e.observations[:-1] for e in episodes]).astype(np.float32),
    "next_observations": np.concatenate([e.observations[1:] for e in episodes]).astype(np.float32),
    "actions": np.concatenate([e.actions for e in episodes]),
    "rewards": np.concatenate([e.rewards for e in episodes]).astype(np.float32),
    "terminals": np.concatenate([e.terminations for e in episodes]),
    "timeouts": np.concatenate([e.truncations for e in episodes]),
}
for name, without in (("d4rl", "next_observations"), ("d4rl-follow", "timeouts")):
    with h5py.File(os.path.join(sys.argv[1], name + ".hdf5"), "w") as f:
        for key, values in flat.items():
            if key != without:
                f.create_dataset(key, data=values[:150], compression="gzip")
np.savez_compressed(
    os.path.join(sys.argv[1], "imitation.npz"),
    obs=np.concatenate([e.observations for e in episodes]),
    acts=np.concatenate([e.actions for e in episodes]),
    infos=np.concatenate([np.full(len(e), {}) for e in episodes]),
    terminal=np.array([bool(e.terminations[-1]) for e in episodes]),
    indices=np.cumsum([len(e) for e in episodes[:-1]]),
    rews=np.concatenate([e.rewards for e in episodes]).astype(np.float32))

# Hostile or out of reach: rows that were never written; data in other files; a filter of h5py's own.
with h5py.File(os.path.join(sys.argv[1], "sparse.hdf5"), "w") as f:
    f.create_dataset("observations", shape=(2**40, 4), dtype="f4", chunks=(64, 4))
with h5py.File(os.path.join(sys.argv[1], "elsewhere.hdf5"), "w") as f:
    f["linked"] = h5py.ExternalLink("d4rl.hdf5", "observations")
    f.create_dataset("external", (10, 4), "f4", external=[("/etc/passwd", 0, 160)])
    layout = h5py.VirtualLayout((150, 4), "f4")
    layout[:] = h5py.VirtualSource("d4rl.hdf5", "observations", (150, 4))
    f.create_virtual_dataset("virtual", layout)
    f.create_dataset("lzf", data=flat["observations"], compression="lzf")
with h5py.File(os.path.join(sys.argv[1], "detour.hdf5"), "w") as f:
    f["away"] = h5py.ExternalLink("d4rl.hdf5", "/")
    f["detour"] = h5py.SoftLink("/away/observations")
