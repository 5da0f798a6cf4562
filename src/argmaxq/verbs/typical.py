"""Which of many seeds stands for all of them where only one can be shown."""

from typing import Any, NamedTuple

from argmaxq.reporting.text import number
from argmaxq.runs.track import BEST
from argmaxq.verbs.run import Run


class Typical(NamedTuple):
    """One seed's run, and in words which one of how many it is; empty for a lone seed."""

    run: Run
    said: str = ""


def typical(run: Run, which: str | int = BEST) -> Typical:
    """The run itself, or of many seeds the median one: by its best evaluation, or by its last for another checkpoint.

    Where nothing was evaluated, by the mean return of its last training episodes; the lower one of two in the middle.
    """
    if len(run.seeds) == 1:
        return Typical(run)
    kinds = [("best evaluation", _best)] if which == BEST else []
    kinds += [("last evaluation", _last), ("last training episodes", _trained)]
    seeds = run.summary.get("seeds", [])
    for what, read in kinds:
        scores = sorted((value, seed["seed"]) for seed in seeds if (value := read(seed)) is not None)
        if scores:
            value, chosen = scores[(len(scores) - 1) // 2]
            low, middle, high = (
                number(each, (scores[0][0], scores[-1][0])) for each in (scores[0][0], value, scores[-1][0])
            )
            which_one = "median" if len(scores) % 2 else "lower middle one"
            words = f"seed {chosen}, the {which_one} of {len(scores)} by {what}: {middle}, of {low} to {high}"
            return Typical(next(part for part in run.parts if part.seeds == (chosen,)), words)
    return Typical(run.parts[0], f"seed {run.seeds[0]}, the first of {len(run.seeds)}, of which none has a score yet")


def _best(seed: dict[str, Any]) -> float | None:
    return seed["best"] and float(seed["best"]["mean"])


def _last(seed: dict[str, Any]) -> float | None:
    return seed.get("final_evaluation")


def _trained(seed: dict[str, Any]) -> float | None:
    return seed.get("mean_return")
