"""Training on Breakout, games included, against peers with the same values: ``python benchmarks/breakout.py``.

DQN (batches of 32, an update for each four steps, eight games) against Stable-Baselines3, and PQN (128 games) against a
plain torch script in bfloat16. Both sides take turns, each with all cores; what is compared is env steps per second of
wall time, by the median of the turns' ratios. Ours are compiled beforehand.
"""

import argparse
import os
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

from measure import script, train
from peers.values import BREAKOUT, BREAKOUT_PQN
from saving import add_option, save

DQN = {
    "env.lanes": BREAKOUT["lanes"],
    "agent.optimiser": "adam",
    "agent.optimiser.learning-rate": BREAKOUT["learning_rate"],
    "agent.replay.capacity": BREAKOUT["replay"],
    "agent.batch-size": BREAKOUT["batch"],
    "agent.rollout": BREAKOUT["steps_per_update"],
    "agent.updates": BREAKOUT["lanes"],
    "agent.learning-starts": BREAKOUT["warm_up"],
    "agent.gamma": BREAKOUT["gamma"],
}
PQN = {
    "env.lanes": BREAKOUT_PQN["lanes"],
    "env.backend": "envpool",
    "agent.rollout": BREAKOUT_PQN["rollout"],
    "agent.epochs": BREAKOUT_PQN["epochs"],
    "agent.minibatches": BREAKOUT_PQN["minibatches"],
    "agent.optimiser.learning-rate": BREAKOUT_PQN["learning_rate"],
    "agent.gamma": BREAKOUT_PQN["gamma"],
    "agent.trace-decay": BREAKOUT_PQN["trace_decay"],
}

COLUMNS = {"what": "what", "ours": "argmaxq [steps/s]", "peer": "other [steps/s]", "ratio": "ratio"}


def ours(recipe: str, options: dict[str, object], steps: int) -> Callable[[Path], float]:
    """Steps per second of a training, those before the first update left out by the difference of two runs."""
    lines = [f"--{path}={value}" for path, value in options.items()]

    def measured(folder: Path) -> float:
        short, long = (
            train(recipe, folder / str(count), folder.parent / "cache", *lines, "--steps", count)["training_seconds"]
            for count in (steps // 4, steps)
        )
        return (steps - steps // 4) / (long - short)

    return measured


def peer(path: str, steps: int) -> Callable[[Path], float]:
    return lambda folder: float(script(path, "--steps", steps)["steps_per_second"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("dqn", "pqn"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dqn-steps", type=int, default=24_000)
    parser.add_argument("--pqn-steps", type=int, default=8 * 128 * 32)
    add_option(parser)
    arguments = parser.parse_args()
    dqn, pqn = arguments.dqn_steps, arguments.pqn_steps
    lines = {
        "dqn": ("DQN, Stable-Baselines3", ours("breakout/dqn", DQN, dqn), peer("peers/sb3_breakout.py", dqn), 1.7),
        "pqn": (
            "PQN, torch bfloat16",
            ours("breakout/pqn", PQN, pqn),
            peer("peers/torch_breakout.py", pqn * 3 // 4),
            0.9,
        ),
    }
    print(f"env steps per second, medians of {arguments.rounds} turns, {os.cpu_count()} cores")
    rows, samples = [], {}
    with tempfile.TemporaryDirectory() as place:
        for agent in [arguments.only] if arguments.only else lines:
            name, own, other, bar = lines[agent]
            own(Path(place) / f"{agent}-compile")
            turns = [(own(Path(place) / f"{agent}-{turn}"), other(Path(place))) for turn in range(arguments.rounds)]
            mine, theirs = (statistics.median(side) for side in zip(*turns, strict=True))
            ratio = statistics.median(one / another for one, another in turns)
            print(f"{name:24} ours {mine:7.0f}   peer {theirs:7.0f}   ratio {ratio:.2f}, at least {bar}", flush=True)
            rows.append({"what": name, "ours": round(mine), "peer": round(theirs), "ratio": round(ratio, 2)})
            samples[name] = turns
    protocol = f"env steps per second of wall time, medians of {arguments.rounds} turns; ratios: the turns' median"
    save(arguments.save, protocol, COLUMNS, rows, samples)


if __name__ == "__main__":
    main()
