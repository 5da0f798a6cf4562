"""The picture of a run's health."""

import json
import shutil
from pathlib import Path

import pytest

import argmaxq as aq
from argmaxq.components.errors import UserError
from argmaxq.reporting.health import draw_health
from argmaxq.runs.records import Records
from argmaxq.visualisation.plot import plot
from support.drawings import metrics, texts


def with_diagnostics(run: aq.Run, folder: Path) -> aq.Run:
    """A copy of a run, which was too short to be measured, with diagnostics in its last record."""
    shutil.copytree(run.path, folder)
    *before, last = (folder / "metrics.jsonl").read_text().splitlines()
    found = {"dormant": 0.1, "gradient_norm": 1.0, "actor_gradient_norm": 2.0, "learning_rate": 1e-3}
    (folder / "metrics.jsonl").write_text("\n".join([*before, json.dumps(json.loads(last) | found), ""]))
    return aq.Run(folder)


def test_each_diagnostic_of_a_run_has_a_panel(platform: aq.Run, cartpoles: aq.Run, tmp_path: Path) -> None:
    written = texts(plot(with_diagnostics(platform, tmp_path / "run"), "health", tmp_path / "a.svg"))
    assert "Health of mpdqn on argmaxq/Platform-v0" in written
    expected = [
        "Q above the return that followed",
        "dormant units",
        "actor's gradient norm",
        "epsilon",
        "learning rate",
    ]
    assert {*expected} <= {*written}
    assert any(text.startswith("normal: ") for text in written)
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
