"""The study of lesson 3: python 3-rainbow-parts.py STUDY trains it, and writes 3-rainbow-parts.csv beside this file.

Where the folder STUDY is there already, only the table is written; ``argmaxq resume STUDY`` goes on with a study.
Plain DQN, plain DQN with one part of Rainbow each, and with all six: ten seeds of each, 20,000 env steps.
"""

import csv
import sys
from pathlib import Path

import argmaxq as aq

PLAIN = aq.replace(
    aq.find("cartpole/dqn", steps=20_000),
    {
        "agent.bootstrap": "max",
        "agent.n_step": 1,
        "evaluation.every": 2_500,
        "evaluation.episodes": 10,
        "diagnostics.every": 0,
    },
)
C51 = aq.returns.Categorical(51, 0.0, 15.0)
SURE = aq.exploration.EpsilonGreedy(aq.schedules.Linear(1.0, 0.01, 0.16, per="run"))
NOISY = aq.layers.Noisy()
PARTS = {
    "plain DQN": {},
    "+ double": {"agent.bootstrap": "double"},
    "+ dueling": {"agent.network.head": "dueling"},
    "+ three steps": {"agent.n_step": 3},
    "+ prioritised": {"agent.replay": aq.replay.Prioritised(100_000, alpha=0.5)},
    "+ C51": {"agent.returns": C51},
    "+ noisy layers": {
        "agent.network.layer": NOISY,
        "agent.network.head": aq.heads.SingleStream(NOISY),
        "agent.exploration": SURE,
    },
    "all six": {
        "agent.bootstrap": "double",
        "agent.network.layer": NOISY,
        "agent.network.head": aq.heads.Dueling(NOISY),
        "agent.n_step": 3,
        "agent.replay": aq.replay.Prioritised(100_000, alpha=0.5),
        "agent.returns": C51,
        "agent.exploration": SURE,
    },
}


def main(out: str) -> None:
    recipes = [aq.replace(PLAIN, part) for part in PARTS.values()]
    study = aq.Study(out) if Path(out).exists() else aq.study(recipes, seeds=10, out=out, quiet=False)
    table, names = study.table(), list(PARTS)
    with Path(__file__).with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["agent", "seed", "step", "mean"])
        for setting, *row in zip(*(table[name] for name in ("setting", "seed", "step", "mean")), strict=True):
            writer.writerow([names[int(setting)], *row])


if __name__ == "__main__":
    main(sys.argv[1])
