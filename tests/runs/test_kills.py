"""Runs that are killed at random moments and resumed, in processes of their own."""

import collections
import time
from pathlib import Path
from typing import Any

import pytest

import argmaxq as aq
from support.runs import CARTPOLE, DRAWING, LANDER, PARALLEL, PLATFORM, PRIORITISED, REMEMBERING, Victims, assert_same
from support.tiers import quick_ones

# Box2D's bindings crash the process if this warning of theirs is made an error.
pytestmark = pytest.mark.filterwarnings("ignore:builtin type:DeprecationWarning")
KILLED = {
    "compiled": (CARTPOLE, {}),
    "host": (PRIORITISED, {"engine": "host"}),
    "lander": (LANDER, {}),
    "parallel": (PARALLEL, {}),
    "hybrid": (PLATFORM, {}),
    "hybrid-host": (PLATFORM, {"engine": "host"}),
    "noisy-implicit": (DRAWING, {"engine": "compiled"}),
    "noisy-implicit-host": (DRAWING, {"engine": "host"}),
    "recurrent-masked": (REMEMBERING, {"engine": "compiled"}),
    "recurrent-masked-host": (REMEMBERING, {"engine": "host"}),
}
SLOW = ("hybrid-host", "noisy-implicit", "noisy-implicit-host", "recurrent-masked-host")
"""The other engine is killed each time, or resumed in `test_resume`."""


@pytest.fixture(scope="module")
def victims(pytestconfig: pytest.Config) -> Victims:
    return Victims(pytestconfig.cache.mkdir("compiled"))


def kill_and_compare(victims: Victims, recipe: Any, options: Any, folder: Path, kills: int) -> collections.Counter[str]:
    """Kill runs until that was done so many times; each one is resumed to its end and compared. Counts what was hit."""
    began = time.monotonic()
    reference = victims.finish(recipe, folder / "reference", options)
    seconds = time.monotonic() - began
    hits: collections.Counter[str] = collections.Counter()
    for number in range(kills):
        run = folder / f"run-{number}"
        while hits.total() < kills and (hit := victims.kill(recipe, run, options, seconds)) != "nothing":
            hits[hit] += 1
        assert_same(victims.finish(recipe, run, options), reference)
        assert not [*run.glob("checkpoints/*.partial"), *run.glob("checkpoints/*.old")]
        if hits.total() == kills:
            break
    return hits


@pytest.mark.parametrize("name", quick_ones(KILLED, KILLED.keys() - SLOW))
def test_killed_and_resumed_equals_uninterrupted(name: str, victims: Victims, tmp_path: Path) -> None:
    kill_and_compare(victims, *KILLED[name], tmp_path, kills=2)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["compiled", "host", "lander", "hybrid", "hybrid-host"])
def test_twenty_kills(name: str, victims: Victims, tmp_path: Path) -> None:
    recipe, options = KILLED[name]
    longer = aq.replace(recipe, {"steps": 12_000, "checkpoint_every": 200, "evaluation.every": 1_000})
    victims.finish(longer, tmp_path / "compilation", options)
    hits = kill_and_compare(victims, longer, options, tmp_path, kills=20)
    print(name, dict(hits))
    assert hits.total() == 20
    assert hits["a write"] >= 2
    assert hits["training"] >= 2
