"""Policies that are kept on the way, evenly spread over a run's evaluations, so that one can see how it got better.

They are checkpoints of a policy alone, ``policy-000012345``. Which ones stay follows from how many evaluations there
were: that of step 0 does, and the distance between two doubles whenever there are more than a run is to keep. So no
record of them is needed, and a run that was broken off keeps the same ones.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from argmaxq.components.errors import UserError
from argmaxq.runs import checkpoint

NAME = re.compile(r"policy-([0-9]+)")


def name_of(step: int) -> str:
    """What the policy of an env step is called."""
    return f"policy-{step:09d}"


def policies(folder: Path) -> dict[int, Path]:
    """The policies kept in a folder of checkpoints, by their env steps, in order."""
    found = [(match, path) for path in folder.glob("policy-*") if (match := NAME.fullmatch(path.name))]
    return dict(sorted((int(match[1]), path) for match, path in found if path.is_dir()))


def named(name: str, there: Mapping[str, Path], run: Path) -> Path:
    """The checkpoint of this name among those ``there`` of a run; raises UserError where there is none."""
    if name not in there:
        kinds = f"there are {', '.join(there)}" if there else "there are none yet"
        raise UserError(f"{run} has no checkpoint {name}: {kinds}")
    return there[name]


def distance(evaluations: int, most: int) -> int:
    """How many evaluations lie between two policies that are kept, of so many evaluations; ``most`` is at least 1."""
    found = 1
    while evaluations // found + 1 > most and found <= evaluations:
        found *= 2
    return found


def wanted(steps: Sequence[int], most: int) -> set[int]:
    """The steps whose policies are kept: 0, and of evaluations at ``steps``, in order, those evenly spread."""
    between = distance(len(steps), most)
    return {0, *steps[between - 1 :: between]}


def drop(folder: Path, but: set[int], after: int = -1) -> None:
    """Remove the policies of steps later than ``after``, but those of some."""
    for step, path in policies(folder).items():
        if step > after and step not in but:
            checkpoint.drop(path)
