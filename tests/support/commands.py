"""The command line in tests: a training of a second, and processes of their own."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

OPTIONS = {
    "steps": "1200",
    "agent.network.hidden": "16 16",
    "agent.rollout": "4",
    "agent.updates": "1",
    "agent.batch-size": "16",
    "agent.learning-starts": "100",
    "agent.replay.capacity": "600",
    "evaluation.every": "400",
    "evaluation.episodes": "3",
    "checkpoint-every": "400",
}
SMALL = ["cartpole/dqn", *(part for path, value in OPTIONS.items() for part in (f"--{path}", *value.split()))]
"""A training of a second."""


def study_words(folder: Path) -> list[str]:
    """A study of four such settings, with two seeds each, by two programs."""
    vary = ("--vary", "agent.replay.capacity=300,600", "--vary", "agent.bootstrap=max,double")
    return ["study", *SMALL, *vary, "--seeds", "2", "--out", str(folder)]


Outcome = tuple[int, str, str]
Command = Callable[..., Outcome]


LAUNCH = """
import os, signal, sys
signal.signal(signal.SIGINT, getattr(signal, sys.argv[1]))
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""
"""Starts Python with Ctrl-C heeded or ignored, whatever it is for the tests: ``nohup make test &`` ignores it."""


@contextlib.contextmanager
def command(
    *words: Any, cwd: Path | None = None, ctrl_c: str = "SIG_DFL", **variables: str
) -> Iterator[subprocess.Popen[str]]:
    """The command line in a process of its own, as a shell's foreground starts it, with these variables, too."""
    line = [sys.executable, "-c", LAUNCH, ctrl_c, "-u", "-m", "argmaxq", *map(str, words)]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(line, cwd=cwd, env=os.environ | variables, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


class Unfit(gym.Env[Any, Any]):
    """More choices at once than are numbered."""

    observation_space = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)
    action_space = gym.spaces.MultiDiscrete([70, 80])

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        return np.zeros(2, np.float32), {}

    def step(self, action: Any) -> Any:
        return np.zeros(2, np.float32), 0.0, True, False, {}


gym.register("Unfit-v0", Unfit)
