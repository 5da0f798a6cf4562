"""Run folders that the first version wrote (format 1, without identities) are still read, evaluated and resumed."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import argmaxq as aq
from argmaxq.components.errors import UserError
from argmaxq.learning.rewards import Scale
from argmaxq.runs import checkpoint
from argmaxq.runs.records import read
from argmaxq.visualisation.plot import plot
from support.hostile import copied
from support.places import DATA


@pytest.fixture(params=["compiled", "host"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return copied(DATA / f"format-1-{request.param}", tmp_path / "run")


def test_it_is_of_the_first_format(old: Path) -> None:
    for path in (old / "checkpoints").iterdir():
        assert json.loads((path / "checkpoint.json").read_text())["format"] == 1
    assert "id" not in aq.Run(old).config


def test_it_is_evaluated_and_drawn(old: Path) -> None:
    run = aq.Run(old)
    for which in ("best", "last", "160"):
        assert run.evaluate(episodes=1, which=which).mean > 0
        assert run.step(which) in (100, 160)
    assert plot(run, "curve").is_file()


def test_it_goes_on_as_the_first_version_did(old: Path) -> None:
    run = aq.resume(old, steps=80)
    assert (run.summary["finished"], run.summary["step"]) == (True, 240)
    expected = load_file(old / "240-steps.safetensors")
    for name, array in checkpoint.load(run.checkpoint("last"))[0].items():
        np.testing.assert_allclose(array, expected[name], rtol=1e-4)
    rows = [json.loads(line) for line in (old / "240-steps-episodes.jsonl").read_text().splitlines()]
    assert read(old, "episodes") == rows


def test_a_checkpoint_of_a_new_run_does_not_fit_it(old: Path, tmp_path: Path) -> None:
    arrays, meta = checkpoint.load(old / "checkpoints" / "best")
    checkpoint.save(old / "checkpoints", "best", arrays, meta | {"run": "0" * 32, "seeds": [3]})
    with pytest.raises(UserError, match="is a checkpoint of another run"):
        aq.load(old)


def test_fields_that_have_another_name_now_are_read(old: Path) -> None:
    assert json.loads((old / "config.json").read_text())["recipe"]["agent"]["reward_scale"] == 0.1
    assert aq.Run(old).recipe.agent.rewards == Scale(0.1)  # type: ignore[attr-defined]
    with pytest.raises(UserError, match=r"^there is no agent.reward_scale: it is agent.rewards.factor now$"):
        aq.replace(aq.Recipe(), "agent.reward_scale", 0.1)
