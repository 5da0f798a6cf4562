"""Runs that a signal stops: they finish their block, save and can be resumed."""

import json
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import argmaxq as aq
from argmaxq.components.errors import UserError
from support.commands import command
from support.runs import CARTPOLE, assert_same, newest

pytestmark = pytest.mark.usefixtures("foreground")
RAISED = {signal.SIGTERM: SystemExit, signal.SIGINT: KeyboardInterrupt}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> aq.Run:
    return aq.train(CARTPOLE, out=tmp_path_factory.mktemp("reference") / "run")


@pytest.mark.parametrize("kind", RAISED)
def test_a_signal_finishes_the_block_and_saves(
    kind: signal.Signals, reference: aq.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def callback(block: Any) -> None:
        if 1_100 <= block.step < 1_600:
            signal.raise_signal(kind)

    before = signal.getsignal(kind)
    with pytest.raises(RAISED[kind]) as raised:
        aq.train(CARTPOLE, out=tmp_path / "run", callbacks=[callback], quiet=False)
    assert raised.value.__notes__ == [f"argmaxq resume {tmp_path / 'run'} goes on from there"]
    assert signal.getsignal(kind) is before
    run = aq.Run(tmp_path / "run")
    assert f"stopping: {kind.name} received, saving at step" in capsys.readouterr().out
    assert not run.summary["finished"]
    assert 1_100 <= run.summary["step"] < 1_600
    assert newest(run)[0].name == f"step-{run.summary['step']:09d}"
    assert run.policy("last")(np.zeros(4)) in (0, 1)
    assert_same(aq.resume(run.path), reference)


def test_a_second_interrupt_does_not_wait(tmp_path: Path) -> None:
    def callback(block: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        aq.train(CARTPOLE, out=tmp_path / "run", callbacks=[callback])
    assert not aq.Run(tmp_path / "run").summary["finished"]


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        options: dict[str, Any] = {"callbacks": [lambda block: signal.raise_signal(signal.SIGINT)]}
        assert aq.train(CARTPOLE, steps=500, out=tmp_path / "run", **options).summary["finished"]
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_signal_stops_all_seeds_on_the_host(tmp_path: Path) -> None:
    short = aq.replace(CARTPOLE, {"steps": 600})
    callbacks = [lambda block: signal.raise_signal(signal.SIGTERM) if block.step > 300 else None]
    with pytest.raises(SystemExit, match="143"):
        aq.train(short, out=tmp_path / "run", engine="host", seeds=2, callbacks=callbacks)
    run = aq.Run(tmp_path / "run")
    assert not run.summary["finished"]
    assert not run.parts[1].summary
    reference = aq.train(short, out=tmp_path / "reference", engine="host", seeds=2)
    assert_same(aq.resume(run.path), reference)


def test_one_process_at_a_time_and_a_signal_from_outside(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with command("train", "cartpole/dqn", "--steps", 10_000_000, "--checkpoint-every", 2_000, "--out", folder) as first:
        while not (folder / "checkpoints").exists():
            assert first.poll() is None
            time.sleep(0.01)
        with pytest.raises(UserError, match=f"is in use by process {first.pid}"):
            aq.resume(folder)
        assert not aq.Run(folder).summary["finished"]
        first.send_signal(signal.SIGTERM)
        said, errors = first.communicate()
    assert "stopping: SIGTERM received, saving at step" in said
    assert errors == f"argmaxq: interrupted; argmaxq resume {folder} goes on from there\n"
    assert first.returncode == 128 + signal.SIGTERM
    assert json.loads((folder / "summary.json").read_text())["finished"] is False
