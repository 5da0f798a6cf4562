"""Folders of runs and studies with known scores, as trainings leave them."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from support.places import DATA

SPREAD = np.linspace(-1, 1, 10)
OLD = DATA / "format-1-compiled"


def scored(folder: Path, shift: float, env: str = "CartPole-v1") -> Path:
    """A run folder of ten seeds whose last evaluations are 100 + shift + 10 SPREAD, and one training episode each."""
    whole = config_of(env)
    for seed in range(10):
        own = whole | {"seeds": [seed], "part_of": folder.name}
        _seed(folder / f"seed-{seed}", own, (50.0, 300.0, 100.0 + shift + 10 * SPREAD[seed]))
    (folder / "config.json").write_text(json.dumps(whole | {"seeds": list(range(10))}))
    return folder


def scored_study(folder: Path, vary: Mapping[str, Sequence[str]], score: Callable[..., float], seeds: int = 10) -> Path:
    """A study's folder with a setting for each combination, each seed of which has a last evaluation of ``score``.

    That is asked with the setting's values, in order, and ``SPREAD`` of the seed. A value of ``env.id`` is the
    environment.
    """
    cells = [dict(zip(vary, values, strict=True)) for values in product(*vary.values())]
    for (number, cell), seed in product(enumerate(cells), range(seeds)):
        own = config_of(cell.get("env.id", "CartPole-v1")) | {"seeds": [seed], "study": folder.name}
        last = score(*cell.values(), SPREAD[seed])
        place = folder / "settings" / f"{number:03d}" / f"seed-{seed}"
        _seed(place, own, [last * share for share in (0.2, 0.5, 0.8, 1.0)])
        shutil.copy(OLD / "summary.json", place)
    members = [[number, seed] for number in range(len(cells)) for seed in range(seeds)]
    data = {
        "id": "0" * 32,
        "recipes": {"cartpole/dqn": {}},
        "vary": {path: list(values) for path, values in vary.items()},
        "seeds": list(range(seeds)),
        "device_asked": None,
        "settings": [{"recipe": "cartpole/dqn", "values": cell} for cell in cells],
        "groups": [{"engine": "compiled", "family": 0, "members": members, "swept": [], "allocation": None}],
    }
    (folder / "study.json").write_text(json.dumps(data))
    return folder


def config_of(env: str) -> dict[str, Any]:
    """A run's configuration, on an environment."""
    whole: dict[str, Any] = json.loads((OLD / "config.json").read_text())
    whole["recipe"]["env"]["id"] = env
    return whole


def _seed(folder: Path, config: Mapping[str, Any], means: Sequence[float]) -> None:
    """The folder of one seed, with these evaluations and two training episodes."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    numbers = {"episodes": 3, "std": 0.0, "min": 0.0, "max": 500.0}
    rows = [{"step": 100 * step, **numbers, "mean": mean} for step, mean in enumerate(means, 1)]
    (folder / "evaluations.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    episodes = [
        {"episode": 1, "step": 7, "return": 7.0, "length": 7},
        {"episode": 2, "step": 16, "return": 9.0, "length": 9},
    ]
    (folder / "episodes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in episodes))
