"""The picture of a run's health."""

from pathlib import Path

import pytest

import argmaxq as aq
from argmaxq.components.errors import UserError
from argmaxq.reporting.health import draw_health
from argmaxq.runs.records import Records
from argmaxq.visualisation.plot import plot
from drawings import metrics, texts


def test_each_diagnostic_of_a_run_has_a_panel(platform: aq.Run, cartpoles: aq.Run, tmp_path: Path) -> None:
    written = texts(plot(platform, "health", tmp_path / "a.svg"))
    assert "Health of mpdqn on argmaxq/Platform-v0" in written
    expected = [
        "Q above the return that followed",
        "dormant units",
        "actor's gradient norm",
        "epsilon",
        "learning rate",
    ]
    assert {*expected} <= {*written}
    assert any(text.startswith("healthy: ") for text in written)
    several = texts(plot(cartpoles, "health", tmp_path / "b.svg"))
    assert "Health of dqn on CartPole-v1, 2 seeds" in several
    assert "actor's gradient norm" not in several


def test_a_users_own_numbers_have_panels_and_missing_ones_are_told(tmp_path: Path) -> None:
    folder = metrics(tmp_path / "run", 1.0, 2.0, mine=3.0, dormant=float("nan"))
    written = texts(draw_health(folder, tmp_path / "a.svg"))
    assert {"mine", "dormant units"} <= {*written}
    assert any("2 points are no numbers" in text for text in written)


def test_nothing_recorded_is_nothing_to_draw(tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.append("metrics", [{"step": 1, "loss": 1.0}])
    records.flush()
    with pytest.raises(UserError, match="no diagnostics are recorded there"):
        draw_health(tmp_path, tmp_path / "a.png")
