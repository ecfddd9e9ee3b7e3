"""old-v0: three steps as Minari 0.4 wrote them, what it is of in attributes of the HDF5 file."""

import os
import sys

os.environ["MINARI_DATASETS_PATH"] = os.path.abspath(sys.argv[1])

import minari  # noqa: E402
import numpy as np  # noqa: E402
from gymnasium import spaces  # noqa: E402

minari.create_dataset_from_buffers(
    "old-v0",
    [dict(observations=np.arange(12.0).reshape(4, 3), actions=np.arange(6, dtype="f4").reshape(3, 2),
          rewards=np.ones(3), terminations=np.array([False, False, True]), truncations=np.zeros(3, bool))],
    observation_space=spaces.Box(-1, 1, (3,)), action_space=spaces.Box(-1, 1, (2,)),
    algorithm_name="alg", author="me", author_email="x", code_permalink="c")
