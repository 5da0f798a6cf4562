"""Lanes in processes against lanes in one, on an environment of 5 ms a step: ``python benchmarks/processes.py``.

Trains DQN on eight lanes for each kind of step, one that sleeps and one that computes, and prints the steps per second
of both, their ratio, and whether both came to the same parameters.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

import argmaxq as aq
from saving import add_option, save

STEP = 0.005
"""Seconds that a step takes."""
LANES = 8
COLUMNS = {"kind": "a step", "one": "in one process [steps/s]", "many": "in processes [steps/s]", "ratio": "ratio"}


class Slow(gym.Env[Any, Any]):
    """A random walk whose step sleeps for so many seconds, and adds up so many numbers."""

    observation_space = gym.spaces.Box(-9.0, 9.0, (4,), np.float32)
    action_space = gym.spaces.Discrete(3)

    def __init__(self, seconds: float = 0.0, additions: int = 0) -> None:
        self.seconds, self.additions = seconds, additions

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.at = self.np_random.normal(size=4).astype(np.float32)
        return self.at, {}

    def step(self, action: Any) -> Any:
        if self.seconds:
            time.sleep(self.seconds)
        busy(self.additions)
        self.at = self.at + self.np_random.normal(0.0, 0.1, 4).astype(np.float32)
        return self.at, -float(abs(self.at[action])), bool(np.abs(self.at).max() > 3), False, {}


def busy(additions: int) -> int:
    """Work that is done in Python alone."""
    total = 0
    for number in range(additions):
        total += number
    return total


def additions() -> int:
    """How many additions take as long as a step is to."""
    trials = []
    for _ in range(20):
        begin = time.process_time()
        busy(100_000)
        trials.append(time.process_time() - begin)
    return int(STEP / min(trials) * 100_000)


def trained(kwargs: dict[str, Any], backend: str, steps: int, folder: Path) -> tuple[float, bytes]:
    """Steps per second after the first checkpoint, by when all is compiled, and the parameters."""
    env = aq.Env(Slow, kwargs, LANES, backend, time_limit=100)
    agent = aq.replace(aq.find("cartpole/dqn").agent, {"rollout": 1, "updates": 1, "learning_starts": LANES})
    recipe = aq.Recipe(agent, env, steps, aq.Evaluation(0, 1), checkpoint_every=steps // 4)
    run = aq.train(recipe, out=folder, engine="host")
    rows = [json.loads(line) for line in (run.path / "times.jsonl").read_text().splitlines()]
    first, last = rows[0], rows[-1]
    rate = (last["step"] - first["step"]) / (last["seconds"] - first["seconds"])
    return rate, (run.path / "checkpoints" / "last" / "arrays.safetensors").read_bytes()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2_400, help="env steps of each training (%(default)s)")
    parser.add_argument("--repeats", type=int, default=3)
    add_option(parser)
    arguments = parser.parse_args()
    rows = []
    kinds: dict[str, dict[str, Any]] = {"sleeps": {"seconds": STEP}, "computes": {"additions": additions()}}
    print(f"{LANES} lanes, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; steps per second")
    for repeat in range(arguments.repeats):
        for kind, kwargs in kinds.items():
            with tempfile.TemporaryDirectory(prefix="argmaxq-processes-") as folder:
                one, ours = trained(kwargs, "gymnasium", arguments.steps, Path(folder) / "one")
                many, theirs = trained(kwargs, "processes", arguments.steps, Path(folder) / "many")
            equal = "equal" if ours == theirs else "DIFFERENT"
            print(
                f"{repeat + 1}/{arguments.repeats} {kind}: one process {one:.0f}, processes {many:.0f}, ratio "
                f"{many / one:.2f}, {equal} parameters, load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
            rows.append({"kind": kind, "one": round(one), "many": round(many), "ratio": round(many / one, 2)})
    protocol = f"{LANES} lanes, {arguments.steps} env steps, each turn both ways one after the other"
    save(arguments.save, protocol, COLUMNS, rows, rows)


if __name__ == "__main__":
    main()
