"""Minari reads what we export, we read what Minari writes; run by read_minari.sh.

Gymnasium is the third witness: from the environment that Minari recovers out of our metadata, with the
seed that stands there, it gives the observations of the dataset, the last one included.
"""

import argparse
import json
import os
import subprocess
import warnings

parser = argparse.ArgumentParser()
parser.add_argument("--program", required=True)
parser.add_argument("--work", required=True)
args = parser.parse_args()
root = os.path.join(os.path.abspath(args.work), "minari")
os.makedirs(root)
os.environ["MINARI_DATASETS_PATH"] = root
program = os.path.abspath(args.program)
os.chdir(args.work)
warnings.simplefilter("ignore")

import gymnasium as gym  # noqa: E402
import minari  # noqa: E402
import numpy as np  # noqa: E402
from minari.data_collector import EpisodeBuffer  # noqa: E402


def run(*words):
    result = subprocess.run([program, *words, "--json"], capture_output=True, text=True)
    assert result.returncode == 0, f"{words}: {result.stderr}"
    return json.loads(result.stdout)


def refused(*words):
    result = subprocess.run([program, *words], capture_output=True, text=True)
    assert result.returncode in (1, 2), f"{words}: {result.returncode}, {result.stderr}"
    return result.stderr


def arrays_of(dataset):
    run("demos", "export", dataset, "-o", dataset + ".npz", "--force")
    return np.load(dataset + ".npz")


def collected_here_and_loaded_there():
    options = ["--set", "max_episode_steps=60"]
    run("demos", "collect", "--expert", "ant-v5", "--episodes", "3", "--seed", "5", "--out", "ant", *options)
    out = run("demos", "export", "ant", "--format", "minari", "-o", root, "--id", "ant/ours-v3", *options)
    assert out["last_observations"] == 3
    ours, dataset = arrays_of("ant"), minari.load_dataset("ant/ours-v3")
    assert dataset.total_episodes == 3 and dataset.total_steps == 180
    assert "ant/ours-v3" in minari.list_local_datasets()
    assert "ant" in minari.namespace.list_local_namespaces()
    env = dataset.recover_environment()
    assert env.spec.max_episode_steps == 60 and env.observation_space.shape == (27,)
    assert dataset.action_space == env.action_space
    metadata = list(dataset.storage.get_episode_metadata(range(3)))
    for i, episode in enumerate(dataset.iterate_episodes()):
        rows = slice(60 * i, 60 * (i + 1))
        repr(episode)
        assert episode.observations.shape == (61, 27) and len(episode) == 60
        assert np.array_equal(episode.observations[:-1], ours["observations"][rows])
        assert np.array_equal(episode.actions, ours["actions"][rows])
        assert episode.rewards.dtype == np.float64
        assert np.array_equal(episode.rewards, ours["rewards"][rows])
        assert episode.terminations.dtype == bool and not episode.terminations.any()
        assert episode.truncations.tolist() == [False] * 59 + [True]
        assert episode.infos == {} and episode.observations[0] in dataset.observation_space
        assert metadata[i]["seed"] == 5 + i and metadata[i]["last_observation"] == "true"
        obs, _ = env.reset(seed=5 + i)
        for t, action in enumerate(episode.actions):
            assert np.array_equal(obs.astype(np.float32), episode.observations[t]), (i, t)
            obs, _, _, truncated, _ = env.step(action.astype(np.float64))
        assert truncated and np.array_equal(obs.astype(np.float32), episode.observations[-1])
    both = minari.combine_datasets([dataset, dataset], "ant/twice-v0")
    assert both.total_episodes == 6 and np.array_equal(both[4].actions, dataset[1].actions)
    run("demos", "import", os.path.join(root, "ant/twice-v0"), "--out", "twice")
    twice = arrays_of("twice")
    assert np.array_equal(twice["observations"], np.concatenate([ours["observations"]] * 2))


def made_there_and_imported_here(contact):
    name = f"ant/random{int(contact)}-v0"
    env = gym.make("Ant-v5", include_cfrc_ext_in_observation=contact, max_episode_steps=30)
    env.action_space.seed(0)
    buffers = []
    for i in range(4):
        obs, _ = env.reset(seed=i)
        buffer, done = EpisodeBuffer(seed=i, observations=[obs], actions=[], infos={}), False
        while not done:
            action = env.action_space.sample()
            obs, reward, terminated, truncated, _ = env.step(action)
            done = terminated or truncated
            buffer.observations.append(obs)
            buffer.actions.append(action)
            buffer.rewards.append(reward)
            buffer.terminations.append(terminated)
            buffer.truncations.append(truncated)
        buffers.append(buffer)
    minari.create_dataset_from_buffers(name, buffers, env=env, author="A", algorithm_name="random")
    folder, out = os.path.join(root, name), f"random{int(contact)}"
    found = run("demos", "import", folder, "--out", out)
    assert found["task"] == "Ant-v5" and found["obs_dim"] == (105 if contact else 27)
    assert found["episodes"] == 4 and found["recorded_by"] == "random by A"
    ours = arrays_of(out)
    for name, values in (
        ("observations", [b.observations[:-1] for b in buffers]),
        ("actions", [b.actions for b in buffers]),
        ("rewards", [b.rewards for b in buffers]),
    ):
        assert np.array_equal(ours[name], np.concatenate(values).astype(np.float32)), name
    assert ours["episode_ends"].tolist() == np.cumsum([len(b.rewards) for b in buffers]).tolist()
    assert ours["terminals"].sum() == sum(b.terminations[-1] for b in buffers)
    if contact:
        said = refused("demos", "import", folder, "--task", "Ant-v5", "--out", "wrong")
        assert "105 observations" in said and "contact_obs=true" in said, said
    assert "recorded on Ant-v5" in refused("demos", "import", folder, "--task", "Hopper-v5", "--out", "wrong")
    assert not os.path.exists("wrong")


def every_task_is_recovered_by_gymnasium():
    for task in run("tasks"):
        env = gym.make(task, **({"include_cfrc_ext_in_observation": False} if task == "Ant-v5" else {}))
        np.save("obs.npy", np.zeros((5,) + env.observation_space.shape))
        np.save("act.npy", np.zeros((5,) + env.action_space.shape, np.float32))
        run("demos", "import", "--obs", "obs.npy", "--act", "act.npy", "--task", task, "--out", "of-" + task)
        out = run("demos", "export", "of-" + task, "--format", "minari", "-o", root)
        assert out["last_observations"] == 0
        dataset = minari.load_dataset(out["id"])
        again = dataset.recover_environment()
        assert again.spec.entry_point == env.spec.entry_point and again.spec.kwargs == env.spec.kwargs
        assert again.spec.reward_threshold == env.spec.reward_threshold
        assert again.observation_space.shape == dataset.observation_space.shape
        assert again.action_space == dataset.action_space
        assert list(dataset.storage.get_episode_metadata([0]))[0]["last_observation"] == "repeated"


collected_here_and_loaded_there()
made_there_and_imported_here(False)
made_there_and_imported_here(True)
every_task_is_recovered_by_gymnasium()
print("Minari reads our exports, and we read its datasets: alike to the bit")
