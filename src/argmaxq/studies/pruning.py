"""Settings of a group that end early, since others do better: successive halving (Jamieson and Talwalkar 2016)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Standing(NamedTuple):
    """A member that goes on: its place, its setting, and the mean return of its latest evaluation."""

    place: int
    setting: int
    score: float


def beaten(going: Sequence[Standing], settings: int, rungs: int) -> list[int]:
    """Places of the members to end, of a group that had so many settings and has come to so many rungs.

    After each rung half of the settings are left, those whose members have the highest mean; the earlier setting of
    two that are equal. It depends on nothing else, so that it is the same whenever it is asked.
    """
    most = -(-settings // 2**rungs)
    scores = {each.setting: [other.score for other in going if other.setting == each.setting] for each in going}
    order = sorted(scores, key=lambda setting: (-float(np.mean(scores[setting])), setting))
    return [each.place for each in going if each.setting in order[most:]]
