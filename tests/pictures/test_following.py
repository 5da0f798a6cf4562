"""What a run says to do next works as it is written."""

import shlex
from pathlib import Path

import gymnasium as gym
import pytest

import argmaxq as aq
from argmaxq.cli.main import main
from argmaxq.reporting.following import following, resuming
from argmaxq.runs.trust import STATE_DIR
from samples.own_environments import Undrawn
from support.commands import SMALL, Command
from support.runs import CARTPOLE

gym.register("Blind-v0", Undrawn)

KINDS = {
    "one seed": ["--out", "run"],
    "many seeds": ["--seeds", "2", "--out", "run"],
    "a name with spaces": ["--out", "a b/it's"],
    "a name like an option": ["--out=-run"],
    "no steps": ["--steps", "0", "--out", "run"],
    "no evaluation": ["--evaluation.every", "0", "--out", "run"],
    "an environment of a module": ["--env", "test_following:Blind-v0", "--out", "run"],
}


def commands(out: str) -> list[list[str]]:
    """The words of the commands that stand at the end of a training's output."""
    lines = out.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("  next "))
    return [shlex.split(line.removeprefix("  next")) for line in lines[first:]]


@pytest.mark.parametrize("kind", KINDS)
def test_every_command_works(argmaxq: Command, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    code, out, _ = argmaxq("train", *SMALL, *KINDS[kind])
    found = commands(out)
    assert code == 0
    assert [words[1] for words in found] == ["evaluate", *(["watch"] if "Blind" not in str(KINDS[kind]) else [])]
    for program, *words in found:
        code, _, err = argmaxq(*words)
        assert (program, code, err) == ("argmaxq", 0, "")


def test_a_run_that_cannot_show_who_made_it_names_its_environment(
    argmaxq: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STATE_DIR, "/dev/null/nowhere")
    code, out, _ = argmaxq("train", *SMALL, "--env", "test_following:Blind-v0", "--out", "run")
    ((_, *words),) = commands(out)
    assert (code, words) == (0, ["evaluate", "run", "--env", "test_following:Blind-v0"])
    assert argmaxq(*words)[0] == 0


def test_an_unfinished_run_is_resumed(tmp_path: Path) -> None:
    path = tmp_path / "run"
    aq.train(CARTPOLE, out=path, callbacks=[lambda block: True])
    config = aq.Run(path).config
    (line,) = following(config, {"finished": False}, path, watchable=True)
    assert line == resuming(config, path)
    assert main(shlex.split(line)[1:]) == 0


def test_an_object_of_the_users_own_is_given_again_in_python(tmp_path: Path) -> None:
    run = aq.train("dqn", env=Undrawn, steps=120, out=tmp_path / "run")
    (line,) = following(run.config, run.summary, run.path, watchable=False)
    assert line == f"in Python: aq.Run({str(run.path)!r}, own={{'env.id': ...}}).evaluate()"
    code = line.removeprefix("in Python: ").replace("...", "Undrawn")
    assert eval(code, {"aq": aq, "Undrawn": Undrawn}).mean == 1.0


def test_a_film_is_called_as_nothing_is_yet(monkeypatch: pytest.MonkeyPatch, trained: str, tmp_path: Path) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    config, summary = aq.Run(trained).config, aq.Run(trained).summary
    for taken, free in (("film.mp4", "film.mp4"), ("film-2.mp4", "film-2.mp4")):
        assert following(config, summary, tmp_path, watchable=True)[1].endswith(f"--video {tmp_path / free}")
        (tmp_path / taken).touch()
    monkeypatch.setenv("DISPLAY", ":0")
    assert following(config, summary, tmp_path, watchable=True)[1] == f"argmaxq watch {tmp_path}"
