"""How a training on the command line ends: by an error, a signal, divergence, or too early for a curve."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import argmaxq as aq
from argmaxq.reporting.text import outcome
from support.commands import SMALL, Command, command
from support.runs import newest

# Box2D's bindings crash the process if this warning of theirs is made an error.
pytestmark = pytest.mark.filterwarnings("ignore:builtin type:DeprecationWarning")


class Misbehaving(gym.Env[Any, Any]):
    """Raises what it was given after many episodes of one step, more than are tried before training."""

    observation_space = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, error: str) -> None:
        self._error: BaseException = {"interrupt": KeyboardInterrupt, "error": ZeroDivisionError}[error]("mine")
        self._episodes = 0

    def reset(self, **kwargs: Any) -> Any:
        super().reset(seed=kwargs.get("seed"))
        self._episodes += 1
        return np.zeros(2, np.float32), {}

    def step(self, action: Any) -> Any:
        if self._episodes > 550:
            raise self._error
        return np.zeros(2, np.float32), 1.0, True, False, {}


class Sometimes(Misbehaving):
    """Its rewards are NaN in some seeds."""

    def __init__(self) -> None:
        super().__init__("error")

    def reset(self, **kwargs: Any) -> Any:
        seed = kwargs.get("seed")
        seen = super().reset(**kwargs)
        if seed is not None:
            self._reward = np.nan if self.np_random.random() < 0.5 else 1.0
        self._episodes = 0
        return seen

    def step(self, action: Any) -> Any:
        return np.zeros(2, np.float32), self._reward, True, False, {}


gym.register("Misbehaving-v0", Misbehaving)


RAISING = ["--env", "Misbehaving-v0", "--env.kwargs", '{"error": "error"}', "--evaluation.every", "0"]


def test_what_the_users_own_code_raises_is_a_line_that_says_where(argmaxq: Command) -> None:
    code, out, err = argmaxq("train", *SMALL, *RAISING)
    assert code == 1
    told = r"argmaxq: the environment raised ZeroDivisionError: mine \(test_cli_ends.py, line \d+, in step\)"
    assert re.fullmatch(told + r"; ARGMAXQ_TRACEBACK=1 shows the whole way there\n", err)
    assert "next               argmaxq resume runs/cartpole-dqn" in out
    assert aq.Run("runs/cartpole-dqn").summary["step"] > 1_000


def test_whoever_asks_sees_the_whole_traceback(argmaxq: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGMAXQ_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError, match="mine"):
        argmaxq("train", *SMALL, *RAISING)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("list > /dev/full", "argmaxq: OSError: [Errno 28] No space left on device"),
        ("list >&-", ""),
        ("evaluate nothing >&-", "argmaxq: nothing is no run folder: it does not exist"),
    ],
)
def test_output_that_nobody_takes_is_a_line_at_most(tmp_path: Path, line: str, words: str) -> None:
    shell = f"{shlex.quote(sys.executable)} -m argmaxq {line}"
    done = subprocess.run(["sh", "-c", shell], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == (words == "")
    assert done.stderr.startswith(words)
    assert done.stderr.count("\n") == bool(words)


def test_a_platform_that_is_not_here_is_a_line(tmp_path: Path) -> None:
    with command("train", *SMALL, cwd=tmp_path, JAX_PLATFORMS="abacus") as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert re.fullmatch(r"argmaxq: JAX does not start with JAX_PLATFORMS=abacus \(.*\): unset that variable.*\n", err)


def test_an_interruption_is_a_word(argmaxq: Command) -> None:
    options = ["--env", "Misbehaving-v0", "--env.kwargs", '{"error": "interrupt"}', "--evaluation.every", "0"]
    code, out, err = argmaxq("train", *SMALL, *options)
    assert (code, err) == (130, "argmaxq: interrupted\n")
    step = aq.Run("runs/cartpole-dqn").summary["step"]
    assert 1_000 < step < 1_200
    assert f"stopped            at step {step:,} of 1,200" in out
    assert newest(aq.Run("runs/cartpole-dqn"))[0].name == f"step-{step:09d}"


def test_divergence_is_told_once_and_leaves_a_sensible_run(argmaxq: Command) -> None:
    wild = ["--agent.optimiser.learning-rate", "1e30", "--agent.optimiser.max-grad-norm", "none"]
    code, out, err = argmaxq("train", *SMALL, *wild)
    assert code == 3
    assert re.fullmatch(r"argmaxq: seed 0: .*no longer finite.*last good checkpoint.*Likely causes.*\n", err)
    assert "finite" not in out
    assert re.search(r"(?m)^  diverged +by step [\d,]+$", out)
    assert Path("runs/cartpole-dqn/curve.png").is_file()
    assert aq.Run("runs/cartpole-dqn").summary["seeds"][0]["stopped"] == "diverged"


def test_without_a_finished_episode_there_is_no_curve_and_no_fuss(argmaxq: Command) -> None:
    code, out, err = argmaxq("train", *SMALL, "--env", "MountainCar-v0", "--steps", "100")
    assert (code, err) == (0, "")
    assert ("curve" in out, Path("runs/cartpole-dqn/curve.png").exists()) == (False, False)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_saves_and_says_how_to_go_on(tmp_path: Path, argmaxq: Command, name: str) -> None:
    options = ("--steps", "2e9", "--checkpoint-every", "1000", "--out", "run")
    with command("train", *SMALL, *options, cwd=tmp_path) as process:
        while not (tmp_path / "run" / "checkpoints").is_dir():
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(getattr(signal, name))
        out, err = process.communicate(timeout=60)
    code = 128 + getattr(signal, name)
    assert (process.returncode, err) == (code, "argmaxq: interrupted; argmaxq resume run goes on from there\n")
    summary = aq.Run(tmp_path / "run").summary
    assert f"stopping: {name} received, saving at step {summary['step']}" in out
    assert re.search(rf"(?m)^  stopped +at step {summary['step']:,} of 2,000,000,000$", out)
    assert out.endswith("  next               argmaxq resume run\n")
    assert (summary["finished"], (tmp_path / "run" / "curve.png").is_file()) == (False, True)


@pytest.mark.usefixtures("foreground")
def test_seeds_that_are_trained_in_turn_stop_together_and_go_on(tmp_path: Path) -> None:
    recipe = aq.replace(aq.Recipe(), {"steps": 400, "agent.learning_starts": 100, "checkpoint_every": 100})
    recipe = aq.replace(recipe, {"evaluation.every": 0, "agent.network.hidden": (16,)})

    def interrupt(block: Any) -> None:
        if block.step >= 100:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.1)

    with pytest.raises(KeyboardInterrupt):
        aq.train(recipe, seeds=2, engine="host", callbacks=[interrupt], out=tmp_path / "run")
    run = aq.Run(tmp_path / "run")
    assert (run.summary["finished"], len(run.summary["seeds"])) == (False, 1)
    run = aq.resume(run.path)
    assert run.summary["finished"]
    assert [seed["step"] for seed in run.summary["seeds"]] == [400, 400]


def test_a_seed_that_diverges_in_its_turn_does_not_stop_the_others(tmp_path: Path) -> None:
    recipe = aq.replace(aq.Recipe(), {"steps": 300, "agent.learning_starts": 50, "evaluation.every": 0})
    run = aq.train(aq.replace(recipe, "agent.network.hidden", (16,)), env=Sometimes, seeds=4, out=tmp_path / "run")
    ends = [seed["stopped"] for seed in run.summary["seeds"]]
    assert (len(ends), set(ends)) == (4, {"diverged", "at the last step"})
    text = outcome(run.config, run.summary, run.path, watchable=False)
    which = ", ".join(str(number) for number, end in enumerate(ends) if end == "diverged")
    assert f"  diverged           seed {which}, by step" in text
