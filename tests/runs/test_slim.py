"""Slim copies of runs: small folders that load and act as the runs they are of."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import argmaxq as aq
from argmaxq.runs.slim import slim

OBSERVATIONS = np.random.default_rng(0).uniform(-1.0, 1.0, (200, 4)).astype(np.float32)


@pytest.mark.parametrize("which", ["best", "last"])
def test_a_slim_copy_acts_as_its_run_and_is_not_trained(trained: str, tmp_path: Path, which: str) -> None:
    copy = slim(Path(trained), tmp_path / "slim", which)
    ours, theirs = aq.load(copy), aq.load(trained, which)
    np.testing.assert_array_equal(ours.values(OBSERVATIONS), theirs.values(OBSERVATIONS))
    assert {path.name for path in (copy / "checkpoints").iterdir()} == {which}
    assert aq.Run(copy).summary == aq.Run(trained).summary
    assert (copy / "evaluations.jsonl").read_bytes() == (Path(trained) / "evaluations.jsonl").read_bytes()
    assert aq.Run(copy).evaluate(2).returns == aq.Run(trained).evaluate(2, which=which).returns
    with pytest.raises(aq.UserError, match="is a slim copy"):
        aq.resume(copy, steps=100)
    with pytest.raises(aq.UserError, match="exists and is not overwritten"):
        slim(Path(trained), copy, which)


def test_a_slim_copy_is_of_one_seed_or_of_all(seeds: str, tmp_path: Path) -> None:
    one, every = slim(Path(seeds), tmp_path / "one", seed=1), slim(Path(seeds), tmp_path / "every")
    wanted = aq.load(f"{seeds}/seed-1").values(OBSERVATIONS)
    np.testing.assert_array_equal(aq.load(one).values(OBSERVATIONS), wanted)
    np.testing.assert_array_equal(aq.Run(every).parts[1].policy().values(OBSERVATIONS), wanted)
    assert aq.Run(every).evaluations()["mean"].tolist() == aq.Run(seeds).evaluations()["mean"].tolist()
    with pytest.raises(aq.UserError, match="has no seed 7: there are 0, 1, 2"):
        slim(Path(seeds), tmp_path / "none", seed=7)
    with pytest.raises(aq.UserError, match="has no checkpoint start: there are best, last"):
        slim(Path(seeds), tmp_path / "none", "start")
    assert not (tmp_path / "none").exists()


def test_a_slim_copy_loads_where_the_environment_cannot(trained: str, tmp_path: Path) -> None:
    copy = slim(Path(trained), tmp_path / "slim")
    config = (copy / "config.json").read_text().replace("CartPole-v1", "elsewhere:Nothing-v0")
    (copy / "config.json").write_text(config)
    code = f"import argmaxq as aq; print(aq.load({str(copy)!r})([0.0, 0.1, 0.0, 0.1]))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(told) == aq.load(trained)([0.0, 0.1, 0.0, 0.1])
