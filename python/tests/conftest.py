"""Small fixtures that tests of the package share. Run by tests/golden/python_wheel.sh, against the
installed wheel: `pytest python/tests`."""

import os

import pytest

import understudy


@pytest.fixture(scope="session")
def expert():
    return understudy.load("ant-v5")


@pytest.fixture(scope="session")
def demos(expert):
    """Four short episodes: a tenth of the usual time limit."""
    return understudy.collect(expert, episodes=4, seed=3, physics=True, max_episode_steps=100)


@pytest.fixture(scope="session")
def program():
    """The command, where it was built: a second witness."""
    path = os.environ.get("UNDERSTUDY_PROGRAM", "")
    if not path:
        pytest.skip("UNDERSTUDY_PROGRAM names no program")
    return path
