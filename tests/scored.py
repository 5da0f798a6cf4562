"""Run folders with known scores, as trainings leave them."""

import json
from pathlib import Path

import numpy as np

SPREAD = np.linspace(-1, 1, 10)


def scored(folder: Path, shift: float, env: str = "CartPole-v1") -> Path:
    """A run folder of ten seeds whose last evaluations are 100 + shift + 10 SPREAD, and one training episode each."""
    old = Path(__file__).parent / "data" / "format-1-compiled"
    whole = json.loads((old / "config.json").read_text())
    whole["recipe"]["env"]["id"] = env
    for seed in range(10):
        part = folder / f"seed-{seed}"
        part.mkdir(parents=True)
        (part / "config.json").write_text(json.dumps(whole | {"seeds": [seed], "part_of": folder.name}))
        means = (50.0, 300.0, 100.0 + shift + 10 * SPREAD[seed])
        numbers = {"episodes": 3, "std": 0.0, "min": 0.0, "max": 500.0}
        rows = [{"step": 100 * step, **numbers, "mean": mean} for step, mean in enumerate(means, 1)]
        (part / "evaluations.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        episodes = [
            {"episode": 1, "step": 7, "return": 7.0, "length": 7},
            {"episode": 2, "step": 16, "return": 9.0, "length": 9},
        ]
        (part / "episodes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in episodes))
    (folder / "config.json").write_text(json.dumps(whole | {"seeds": list(range(10))}))
    return folder
