"""What the command line says of a run, and its columns."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argmaxq.cli.tables import columns
from argmaxq.reporting.text import outcome


@pytest.mark.parametrize(("solved", "words"), [([], "no"), ([5000, 7000], "2 of 3, at step 6,000 (median)")])
def test_outcomes_of_many_seeds_are_summarised(solved: list[int], words: str) -> None:
    config = {
        "seeds": [0, 1, 2],
        "recipe": {"env": {"id": "CartPole-v1"}, "stop": {"type": "stop/training-return"}, "steps": 9000},
    }
    seeds = [
        {"seed": n, "episodes": 40 + n, "mean_return": 10.0 * n, "best": {"step": 100, "mean": 9.5 * n}, "stopped": "-"}
        | {"solved_at": solved[n] if n < len(solved) else None}
        for n in range(3)
    ]
    summary = {"finished": True, "training_seconds": 200.0, "steps_per_second": 1234.5, "seeds": seeds}
    assert outcome(config, summary, Path("x"), watchable=False).splitlines() == [
        "  best evaluation    9.5, the mean of 3 seeds from 0.0 to 19.0",
        "  last 40 episodes   10.0, the mean of 3 seeds from 0.0 to 20.0, in training",
        f"  solved             {words}",
        "  time               3.3 min of training, 1,234 steps/s of all seeds together",
        "  run                x",
        "  next               argmaxq evaluate x",
    ]


@given(st.lists(st.tuples(st.text("ab", max_size=5), st.text("cd ", max_size=300)), min_size=1, max_size=5))
def test_columns_keep_every_word_and_their_width(rows: list[tuple[str, str]]) -> None:
    lines = columns(rows, 60)
    assert max(len(line.rstrip()) for line in lines) <= 60
    assert "".join("".join(lines).split()) == "".join("".join(row).replace(" ", "") for row in rows)
    assert len(columns(rows)) == len(rows)
