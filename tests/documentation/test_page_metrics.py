"""The numbers that algorithms' pages name are those that runs really have."""

import re
from pathlib import Path

import pytest

import argmaxq as aq
from support import commands
from support.places import DOCS

COMMON = {"seed", "step", "updates", "episodes", "mean_return"}
"""Of every agent; the index explains them."""
BACKTICKED = re.compile(r"`(\w+)`")
PAGES = {
    "td.md": "frozenlake/q",
    "streamq.md": "cartpole/streamq",
    "dqn.md": "cartpole/dqn",
    "pqn.md": "cartpole/pqn",
    "r2d2.md": "memorychain/r2d2",
    "recurrent-pqn.md": "cartpole-hidden/pqn-gru",
    "bdq.md": "bdq",
    "pdqn.md": "platform/mpdqn",
    "paddpg.md": "platform/paddpg",
    "critic-only.md": "catchpoint/mpdqn",
}
"""A page, and what to train for it."""
ROW_BY_ROW = ("td.md", "streamq.md")
OFTEN = {"diagnostics.every": 1, "evaluation.every": 4_000, "evaluation.episodes": 2}


def told(page: Path) -> set[str]:
    """Every name in backticks in the section about metrics."""
    (section,) = re.findall(r"^## Metrics\n(.*?)(?=^## )", page.read_text(), re.MULTILINE | re.DOTALL)
    return set(BACKTICKED.findall(section))


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_the_metrics_that_its_agent_has(page: str, tmp_path: Path) -> None:
    name = PAGES[page]
    recipe = aq.find(name, env=commands.Unfit if name == "bdq" else None, steps=40_000 if page in ROW_BY_ROW else 8_000)
    run = aq.train(aq.replace(recipe, OFTEN), out=tmp_path / "run")
    assert told(DOCS / "algorithms" / page) == set(run.metrics()) - COMMON
