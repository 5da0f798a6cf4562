"""A module that a run folder names is imported where the run was made here, or the user says so, and nowhere else."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import gymnasium as gym
import pytest

import argmaxq as aq
from argmaxq.components.errors import UserError
from argmaxq.runs import trust
from support.commands import Command
from support.hostile import SMALLEST, change_config, copied

ID = "planted_worlds:Planted-v0"
MODULE = """
import os, gymnasium
with open(os.environ["PLANTED"], "a") as file:
    file.write("imported\\n")
gymnasium.register("Planted-v0", "gymnasium.envs.classic_control:CartPoleEnv", max_episode_steps=500)
"""


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a module that leaves a trace when it is imported, for the path."""
    folder = tmp_path_factory.mktemp("worlds")
    (folder / "planted_worlds.py").write_text(MODULE)
    return folder


def forget() -> None:
    """As if the module had never been imported."""
    sys.modules.pop("planted_worlds", None)
    gym.registry.pop("Planted-v0", None)


@pytest.fixture
def trace(worlds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the module leaves its trace."""
    monkeypatch.setenv("PLANTED", str(tmp_path / "trace"))
    monkeypatch.syspath_prepend(worlds)
    yield tmp_path / "trace"
    forget()


@pytest.fixture(scope="module")
def made(worlds: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run made here, in an environment that a module registers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLANTED", os.devnull)
        patch.syspath_prepend(worlds)
        run = aq.train(SMALLEST, env=ID, out=tmp_path_factory.mktemp("made") / "run")
        forget()
    return run.path


@pytest.fixture
def received(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same run in the hands of someone else, who has another key."""
    monkeypatch.setenv(trust.STATE_DIR, str(tmp_path / "another"))
    return copied(made, tmp_path / "received")


def test_a_run_made_here_costs_no_word(made: Path, trace: Path, tmp_path: Path) -> None:
    moved = copied(made, tmp_path / "moved")  # wherever it lies now
    assert aq.Run(moved).evaluate(episodes=1).mean > 0
    assert trace.exists()
    assert aq.resume(moved, steps=40).summary["finished"]
    assert aq.load(moved).adaptor.spaces.action.n == 2


def test_a_received_run_asks_first(received: Path, trace: Path) -> None:
    for use in (aq.resume, lambda path: aq.Run(path).evaluate(episodes=1), lambda path: aq.Run(path).recipe):
        with pytest.raises(
            UserError, match=r"imports the module planted_worlds, .*--trust or --env planted_worlds:Pla"
        ):
            use(received)
    assert aq.load(received).adaptor.spaces.action.n == 2  # of the folder alone
    assert not trace.exists()


def test_who_trusts_it_says_so_in_python(received: Path, trace: Path) -> None:
    assert aq.load(received, trust=True).adaptor.spaces.action.n == 2
    assert aq.load(received, own={"env.id": ID}).adaptor.spaces.action.n == 2
    assert aq.resume(received, steps=40, trust=True).summary["finished"]
    assert aq.Run(received, trust=True).config["recipe"]["env"]["id"] == ID
    assert aq.resume(received, steps=40, own={"env.id": ID}).summary["finished"]
    assert json.loads((received / "config.json").read_text())["recipe"]["env"]["id"] == ID
    assert trace.exists()


@pytest.mark.parametrize("verb", ["evaluate", "resume", "plot", "watch"])
def test_who_trusts_it_says_so_on_the_command_line(verb: str, received: Path, trace: Path, argmaxq: Command) -> None:
    words = {
        "evaluate": ["--episodes", "1"],
        "resume": ["--steps", "40"],
        "plot": ["--what", "visits", "--out", "visits.png"],
        "watch": ["--video", "a.gif"],
    }[verb]
    code, _, err = argmaxq(verb, str(received), *words)
    assert (code, err.count("\n"), trace.exists()) == (2, 1, False)
    assert "was not made here, and to load it imports the module planted_worlds" in err
    code, _, err = argmaxq(verb, str(received), *words, "--env", "CartPole-v1")
    assert (code, err) == (2, f"argmaxq: --env CartPole-v1: {received} was trained on {ID}\n")
    for given in (["--trust"], ["--env", ID]):
        film = [word.replace("a.gif", f"{len(given)}.gif") for word in words]
        assert argmaxq(verb, str(received), *film, *given)[::2] == (0, "")
    assert trace.exists()


def test_the_curve_needs_no_trust(received: Path, trace: Path, argmaxq: Command) -> None:
    assert argmaxq("plot", str(received))[0] == 0
    assert not trace.exists()


def test_a_proof_is_of_one_run_and_one_environment(made: Path, trace: Path, tmp_path: Path) -> None:
    other = copied(made, tmp_path / "other")
    for field, value in (("id", "antigravity:Fly-v0"), ("kwargs", {"x": 1})):
        change_config(other, lambda config, field=field, value=value: config["recipe"]["env"].update({field: value}))
        with pytest.raises(UserError, match="was not made here"):
            aq.Run(other).recipe  # noqa: B018
    another = copied(made, tmp_path / "another")
    change_config(another, lambda config: config.update(id="0" * 32))
    with pytest.raises(UserError, match="was not made here"):
        aq.Run(another).recipe  # noqa: B018
    assert not {"antigravity"} & sys.modules.keys()


def test_ids_without_a_module_cost_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(trust.STATE_DIR, str(tmp_path / "state"))
    run = aq.train(SMALLEST, out=tmp_path / "run")
    assert "proof" not in run.config
    assert not (tmp_path / "state").exists()
    assert aq.load(run.path)


def test_the_key_is_this_users_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(trust.STATE_DIR, str(tmp_path / "state"))
    config = {"id": "0" * 32, "recipe": {"env": {"id": ID}}}
    first = trust.signed(config)["proof"]
    key = tmp_path / "state" / "key"
    assert (key.stat().st_mode & 0o777, key.stat().st_size) == (0o600, 32)
    assert trust.signed(config)["proof"] == first
    assert [path.name for path in key.parent.iterdir()] == ["key"]
    key.chmod(0o644)
    assert "proof" not in trust.signed(config)
    monkeypatch.setenv(trust.STATE_DIR, "/proc/nowhere")
    assert "proof" not in trust.signed(config)


def test_without_a_key_a_run_works_and_says_what_it_lacks(
    trace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(trust.STATE_DIR, "/proc/nowhere")
    run = aq.train(SMALLEST, env=ID, out=tmp_path / "run", quiet=False)
    assert "since no key can be kept in /proc/nowhere" in capsys.readouterr().out
    assert run.evaluate(episodes=1).mean > 0
    with pytest.raises(UserError, match="was not made here"):
        aq.Run(run.path).recipe  # noqa: B018
    assert aq.Run(run.path, trust=True).recipe


def test_workers_inherit_the_trust(received: Path, trace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in trust.for_workers(aq.Run(received).config).items():
        monkeypatch.setenv(name, value)
    assert aq.Run(received).recipe
    change_config(received, lambda config: config["recipe"]["env"].update(id="antigravity:Fly-v0"))
    with pytest.raises(UserError, match="imports the module antigravity"):
        aq.Run(received).recipe  # noqa: B018


@pytest.mark.parametrize("module", ["evil", "received.evil", "received.inner.evil"])
def test_nothing_in_the_folder_itself_is_ever_imported(
    module: str, received: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (received / "inner").mkdir()
    for place in (received, received / "inner"):
        (place / "evil.py").write_text("raise SystemExit('evil')")
    monkeypatch.syspath_prepend(received)
    monkeypatch.syspath_prepend(tmp_path)
    id = f"{module}:Evil-v0"
    change_config(received, lambda config: config["recipe"]["env"].update(id=id))
    for options in ({"trust": True}, {"own": {"env.id": id}}):
        with pytest.raises(UserError, match=r"lies in the run's folder itself .*, and is never imported"):
            aq.Run(received, **options).recipe  # type: ignore[arg-type]  # noqa: B018


def test_who_works_in_a_run_imports_nothing_from_it(made: Path, tmp_path: Path) -> None:
    run = copied(aq.train(SMALLEST, out=tmp_path / "made").path, tmp_path / "run")
    # What is imported late, once the run is open.
    for name in ("matplotlib", "imageio_ffmpeg"):
        (run / f"{name}.py").write_text("raise SystemExit('planted')")
    code = (
        "import sys, argmaxq.cli.main as m; sys.path.insert(0, ''); sys.exit(m.main(['plot', '.', '--what', 'loss']))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], cwd=run, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (run / "loss.png").is_file()
