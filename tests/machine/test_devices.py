"""What many seeds are trained on, in processes of their own, since JAX starts once in each."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from argmaxq.setup import usable_cores

SEVERAL = pytest.mark.skipif(usable_cores() == 1, reason="one core needs one device")
TRAIN = """
import sys
import jax
import argmaxq as aq
if "started" in sys.argv:
    jax.devices()
recipe = aq.replace(aq.Recipe(), {"steps": 8, "evaluation.every": 0, "agent.learning_starts": 0})
run = aq.train(recipe, seeds=2, out=sys.argv[1], device=sys.argv[2] if sys.argv[2] != "any" else None)
print(run.config["device"]["count"])
run = aq.resume(run.path, steps=8)
"""


def trained(folder: Path, *words: str, **variables: str) -> tuple[int, list[str]]:
    """(devices that two seeds had, what was said) of a training and a resumption in Python."""
    environment = {name: value for name, value in os.environ.items() if name != "JAX_NUM_CPU_DEVICES"} | variables
    line = [sys.executable, "-c", TRAIN, str(folder / "run"), *words]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=True)
    return int(done.stdout), done.stderr.splitlines()


@SEVERAL
def test_seeds_that_are_trained_first_have_a_device_for_each_core(tmp_path: Path) -> None:
    assert trained(tmp_path, "any") == (usable_cores(), [])


@SEVERAL
def test_seeds_that_come_too_late_for_that_say_so(tmp_path: Path) -> None:
    """A line for the training and one for the resumption, with the place in the user's program."""
    devices, said = trained(tmp_path, "any", "started")
    assert devices == 1
    assert [line.partition(" UserWarning: ")[0] for line in said] == ["<string>:8:", "<string>:10:"]
    for line in said:
        assert "the 2 seeds share one device instead of one for each of" in line
        assert line.endswith(f"JAX_NUM_CPU_DEVICES={usable_cores()}")


def test_a_choice_of_ones_own_is_not_commented_on(tmp_path: Path) -> None:
    assert trained(tmp_path, "any", "started", JAX_NUM_CPU_DEVICES="1") == (1, [])
    (tmp_path / "other").mkdir()
    assert trained(tmp_path / "other", "cpu:0", "started") == (1, [])
