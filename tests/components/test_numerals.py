"""Whole numbers as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import argmaxq as aq
from argmaxq.components.numerals import whole
from support.commands import SMALL, Command

WRITTEN = {
    "100k": 100_000,
    "100K": 100_000,
    "1e6": 1_000_000,
    "1.5M": 1_500_000,
    "0.25k": 250,
    "2G": 2_000_000_000,
    "50,000": 50_000,
    "50_000": 50_000,
    "-3": -3,
    "1200e-2": 12,
}
NONE = ("", "k", "1.5", "1.2345k", "1e-3", "nan", "inf", "0x10", "1,2", "5 k", "1m", "1e400", "9" * 100, "1kk")


@pytest.mark.parametrize("text", WRITTEN)
def test_a_text_stands_for_its_number(text: str) -> None:
    assert whole(text) == WRITTEN[text]


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_whole_number_is_none(text: str) -> None:
    assert whole(text) is None


@given(st.integers(-(10**18), 10**18))
def test_every_number_is_read_however_it_is_written(number: int) -> None:
    assert whole(str(number)) == whole(f"{number:,}") == whole(f"{number:_}") == whole(f"{number}.000e0") == number
    assert whole(f"{number}k") == whole(f"{number}e3") == 1000 * number


def test_fields_of_a_recipe_read_them() -> None:
    recipe = aq.replace(aq.find("cartpole/dqn"), {"steps": "1.5M", "agent.replay.capacity": "20k"})
    recipe = aq.replace(recipe, {"agent.exploration.epsilon.duration": "10k", "agent.network.hidden": "1k 64"})
    assert (recipe.steps, recipe.agent.replay.capacity) == (1_500_000, 20_000)  # type: ignore[attr-defined]
    assert recipe.agent.exploration.epsilon.duration == 10_000.0  # type: ignore[attr-defined]
    assert recipe.agent.network.hidden == (1_000, 64)  # type: ignore[attr-defined]


def test_arguments_of_every_verb_read_them(argmaxq: Command) -> None:
    assert argmaxq("train", *SMALL, "--steps", "0.4k", "--seed", "0.002k", "--out", "run", "--quiet")[0] == 0
    assert argmaxq("resume", "run", "--steps", "0.4k")[0] == 0
    assert argmaxq("evaluate", "run", "--episodes", "0.003k", "--seed", "1e0")[0] == 0
    run = aq.Run("run")
    assert (run.recipe.steps, run.seeds, run.summary["step"]) == (800, (2,), 800)
    code, _, err = argmaxq("evaluate", "run", "--episodes", "2.5")
    assert (code, "'2.5': a whole number is needed, such as 100000 or 100k" in err) == (2, True)
