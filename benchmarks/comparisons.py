"""What is compared with what: each comparison takes a sample of both sides, one right after the other."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from measure import Sample, final_returns, script, train
from peers.values import CARTPOLE


@dataclass(frozen=True)
class Workload:
    """How much is done in one sample; smaller numbers are for trying the benchmark itself."""

    cartpole_steps: int = 50_000
    lunarlander_steps: int = 40_000
    updates: int = 2_000
    pqn_steps: int = 400_000
    seeds: int = 32
    episodes: int = 100
    lanes: int = 32


QUICK = Workload(2_000, 2_000, 200, 40_000, 4, 5)


@dataclass(frozen=True)
class Line:
    """One line of the table: two quantities of a sample, how their ratio is formed and what the project asks of it."""

    what: str
    unit: str
    ours: str
    peer: str
    peer_name: str
    ratio: Literal["ours/peer", "peer/ours"]
    bar: str


@dataclass(frozen=True)
class Comparison:
    """``sample(workload, seed, folder)`` measures once; ``folder`` is its own and empty."""

    sample: Callable[[Workload, int, Path], Sample]
    lines: tuple[Line, ...]


EQUAL = {
    "env.lanes": 1,
    "agent.network": "mlp",
    "agent.network.hidden": " ".join(map(str, CARTPOLE["hidden"])),
    "agent.network.activation": "relu",
    "agent.network.layer-norm": "false",
    "agent.network.inputs": "raw",
    "agent.network.head": "single-stream",
    "agent.returns.error": "huber",
    "agent.bootstrap": "max",
    "agent.n-step": 1,
    "agent.rewards.factor": 1,
    "agent.gamma": CARTPOLE["gamma"],
    "agent.batch-size": CARTPOLE["batch"],
    "agent.rollout": CARTPOLE["steps_per_burst"],
    "agent.updates": CARTPOLE["updates_per_burst"],
    "agent.learning-starts": CARTPOLE["warm_up"],
    "agent.sync": "periodic",
    "agent.sync.period": CARTPOLE["updates_per_burst"],
    "agent.replay": "uniform",
    "agent.replay.capacity": CARTPOLE["replay"],
    "agent.optimiser": "adam",
    "agent.optimiser.learning-rate": CARTPOLE["learning_rate"],
    "agent.optimiser.annealing": "constant",
    "agent.optimiser.annealing.value": 1,
    "agent.optimiser.eps": 1e-8,
    "agent.optimiser.max-grad-norm": CARTPOLE["gradient_norm"],
    "agent.exploration.epsilon": "linear",
    "agent.exploration.epsilon.start": 1,
    "agent.exploration.epsilon.end": CARTPOLE["final_epsilon"],
    "agent.exploration.epsilon.per": "step",
    "agent.exploration.epsilon.duration": round(CARTPOLE["exploration_fraction"] * CARTPOLE["steps"]),
}
"""The peer's values as our options, whatever the recipe's own have become."""

EQUAL_OPTIONS = tuple(f"--{path}={value}" for path, value in EQUAL.items())


def cartpole(workload: Workload, seed: int, folder: Path) -> Sample:
    """CartPole with equal values; ours with an empty compilation cache, then with a filled one."""
    steps = ("--steps", workload.cartpole_steps, "--seed", seed)
    sb3 = script("peers/sb3_cartpole.py", *steps, "--episodes", workload.episodes)
    cold = train("cartpole/dqn", folder / "cold", folder / "cache", *steps, *EQUAL_OPTIONS)
    warm = train("cartpole/dqn", folder / "warm", folder / "cache", *steps, *EQUAL_OPTIONS)
    return {
        "sb3_training_seconds": sb3["training_seconds"],
        "sb3_process_seconds": sb3["wall_seconds"] - sb3["evaluation_seconds"],
        "sb3_return": sb3["mean_return"],
        "training_seconds": warm["training_seconds"],
        "cold_process_seconds": cold["wall_seconds"],
        "warm_process_seconds": warm["wall_seconds"],
        "return": final_returns(folder / "warm", folder / "cache", workload.episodes)[0],
    }


def lunarlander(workload: Workload, seed: int, folder: Path) -> Sample:
    """The course recipe on Gymnasium's own LunarLander, ours compiled beforehand."""
    steps = ("--steps", workload.lunarlander_steps, "--seed", seed)
    train("lunarlander/dqn", folder / "compile", folder / "cache", "--steps", 2_048)
    return {
        "sb3": script("peers/sb3_lunarlander.py", *steps)["steps_per_second"],
        "torch": script("peers/torch_lunarlander.py", *steps)["steps_per_second"],
        "ours": train("lunarlander/dqn", folder / "run", folder / "cache", *steps)["steps_per_second"],
    }


def update(workload: Workload, seed: int, folder: Path) -> Sample:
    """One gradient update with sampling from a full replay."""
    size = ("--updates", workload.updates, "--seed", seed)
    return {
        "torch": script("peers/torch_update.py", *size)["microseconds_per_update"],
        "ours": script("ours/update.py", *size)["microseconds_per_update"],
    }


def many_seeds(workload: Workload, seed: int, folder: Path) -> Sample:
    """Many seeds in one program against one seed, both compiled beforehand."""
    steps = ("--steps", workload.cartpole_steps)
    runs = (folder / f"run-{number}" for number in itertools.count())

    def seconds(seeds: int) -> float:
        options = ("--seed", seed, "--seeds", seeds)
        for _ in range(2):
            summary = train("cartpole/dqn", next(runs), folder / "cache", *steps, *EQUAL_OPTIONS, *options)
        return float(summary["training_seconds"])

    return {"one": seconds(1), "many": seconds(workload.seeds)}


def pqn(workload: Workload, seed: int, folder: Path) -> Sample:
    """PQN on EnvPool's LunarLander against the environments alone with random actions."""
    steps = ("--steps", workload.pqn_steps, "--seed", seed)
    ours = ("--env.backend", "envpool", "--env.lanes", workload.lanes)
    train("lunarlander/pqn", folder / "compile", folder / "cache", *steps, *ours)
    return {
        "envpool": script("peers/envpool_rate.py", *steps, "--lanes", workload.lanes)["steps_per_second"],
        "ours": train("lunarlander/pqn", folder / "run", folder / "cache", *steps, *ours)["steps_per_second"],
    }


SB3 = "Stable-Baselines3"

COMPARISONS = {
    "cartpole": Comparison(
        cartpole,
        (
            Line("CartPole DQN, training", "s", "training_seconds", "sb3_training_seconds", SB3, "peer/ours", ">= 20"),
            Line(
                "CartPole DQN, process, cold cache",
                "s",
                "cold_process_seconds",
                "sb3_process_seconds",
                SB3,
                "peer/ours",
                ">= 5",
            ),
            Line(
                "CartPole DQN, process, warm cache",
                "s",
                "warm_process_seconds",
                "sb3_process_seconds",
                SB3,
                "peer/ours",
                ">= 12",
            ),
            Line("CartPole DQN, final greedy return", "", "return", "sb3_return", SB3, "ours/peer", ""),
        ),
    ),
    "lunarlander": Comparison(
        lunarlander,
        (
            Line("LunarLander course recipe", "steps/s", "ours", "sb3", SB3, "ours/peer", ""),
            Line("LunarLander course recipe", "steps/s", "ours", "torch", "plain torch", "ours/peer", ""),
        ),
    ),
    "update": Comparison(
        update, (Line("One update, 8-64-64-4, batch 64", "us", "ours", "torch", "torch, fused Adam", "peer/ours", ""),)
    ),
    "seeds": Comparison(
        many_seeds,
        (Line("CartPole DQN, 32 seeds in one program", "s", "many", "one", "ours, one seed", "ours/peer", "<= 16"),),
    ),
    "pqn": Comparison(
        pqn,
        (Line("PQN on EnvPool's LunarLander", "steps/s", "ours", "envpool", "EnvPool alone", "ours/peer", ">= 0.38"),),
    ),
}
