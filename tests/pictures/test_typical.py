"""Which of many seeds is shown where only one can be."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

import argmaxq as aq
from argmaxq.verbs.typical import typical
from support.commands import Command


@dataclasses.dataclass(frozen=True)
class Scored:
    """A run of many seeds with these scores."""

    summary: dict[str, Any]

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(range(5))

    @property
    def parts(self) -> list[Any]:
        return [dataclasses.make_dataclass("Part", ["seeds"])((seed,)) for seed in self.seeds]


def scored(*seeds: tuple[float | None, float | None, float]) -> Any:
    """Seeds with a best evaluation, a last one, and a mean return in training."""
    rows = [
        {"seed": number, "best": best and {"mean": best}, "final_evaluation": last, "mean_return": trained}
        for number, (best, last, trained) in enumerate(seeds)
    ]
    return Scored({"seeds": rows})


SEEDS = ((9.0, 1.0, 5.0), (7.0, 5.0, 4.0), (8.0, 4.0, 3.0), (5.0, 2.0, 2.0), (6.0, 3.0, 1.0))


@pytest.mark.parametrize(
    ("which", "seed", "words"),
    [
        ("best", 1, "seed 1, the median of 5 by best evaluation: 7.000, of 5.000 to 9.000"),
        ("last", 4, "seed 4, the median of 5 by last evaluation: 3.000, of 1.000 to 5.000"),
        (800, 4, "seed 4, the median of 5 by last evaluation: 3.000, of 1.000 to 5.000"),
    ],
)
def test_the_median_seed_is_chosen_by_what_the_checkpoint_is_of(which: Any, seed: int, words: str) -> None:
    run, said = typical(scored(*SEEDS), which)
    assert (run.seeds, said) == ((seed,), words)


def test_of_two_in_the_middle_it_is_the_lower_one() -> None:
    run, said = typical(scored(*SEEDS[:4]))
    assert run.seeds == (1,)
    assert said.startswith("seed 1, the lower middle one of 4 by best evaluation: 7.000")


def test_without_evaluations_training_decides_and_without_anything_the_first() -> None:
    run, said = typical(scored(*((None, None, trained) for *_, trained in SEEDS)))
    assert (run.seeds, said) == ((2,), "seed 2, the median of 5 by last training episodes: 3.000, of 1.000 to 5.000")
    run, said = typical(Scored({}))  # type: ignore[arg-type]
    assert (run.seeds, said) == ((0,), "seed 0, the first of 5, of which none has a score yet")


def test_a_lone_seed_is_itself(trained: str) -> None:
    run = aq.Run(trained)
    assert typical(run) == (run, "")


def test_watching_many_seeds_shows_the_median_and_says_so(argmaxq: Command, seeds: str) -> None:
    code, out, err = argmaxq("watch", seeds, "--video", "a.gif")
    first, *_, last = out.splitlines()
    assert (code, err) == (0, "")
    bests = sorted((each["best"]["mean"], each["seed"]) for each in aq.Run(seeds).summary["seeds"])
    assert first.startswith(f"seed {bests[1][1]}, the median of 3 by best evaluation: ")
    assert last.startswith("a.gif: ")
    returns = aq.Run(f"{seeds}/seed-{bests[1][1]}").evaluate(1).returns
    assert f"episode 1: return {returns[0]:.1f} " in out
    assert Path("a.gif").stat().st_size > 0
