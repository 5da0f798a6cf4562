"""Each recipe goes on where it was interrupted, with its own sizes: replays of a gigabyte, pixels, processes."""

from pathlib import Path
from typing import Any

import pytest

import argmaxq as aq
from support.runs import Crash, crash_at, newest, saved


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:builtin type:DeprecationWarning")
@pytest.mark.parametrize("name", sorted(aq.recipes()))
def test_a_recipe_interrupted_in_its_first_blocks_goes_on_as_if_it_were_not(name: str, tmp_path: Path) -> None:
    recipe = aq.replace(aq.find(name), {"evaluation.every": 0})
    steps: list[int] = []

    def second(block: Any) -> None:
        steps.append(block.step)
        if len(steps) == 2:
            raise Crash

    with pytest.raises(Crash):
        aq.train(recipe, out=tmp_path / "reference", callbacks=[second])
    with pytest.raises(Crash):
        aq.train(recipe, out=tmp_path / "run", callbacks=[crash_at(steps[0])])
    with pytest.raises(Crash):
        aq.resume(tmp_path / "run", callbacks=[crash_at(steps[1])])
    (ours,), (theirs,) = (newest(aq.Run(tmp_path / path)) for path in ("run", "reference"))
    assert ours.name == theirs.name == f"step-{steps[1]:09d}"
    assert saved(ours) == saved(theirs)
