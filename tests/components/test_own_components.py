"""A component in a module beside the user: named ``module:Class``, found again by every verb, trusted like an id."""

import hashlib
import hmac
import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import argmaxq as aq
from argmaxq.cli.main import main
from argmaxq.components.errors import UserError
from argmaxq.components.registry import registry
from argmaxq.components.serialisation import to_json
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.runs import trust
from argmaxq.tuning import tune as tuning
from support.commands import SMALL, command
from support.hostile import SMALLEST, change_config, copied
from support.places import DATA, README, TESTS
from support.studied import Here

MODULES = re.findall(r"```python\n(.*?)```", README.read_text(), re.S)
BOLTZMANN = next(block for block in MODULES if "@aq.component" in block)
ID = "worlds:Mine-v0"
WORLDS = """
import gymnasium
gymnasium.register("Mine-v0", "gymnasium.envs.classic_control:CartPoleEnv", max_episode_steps=500)
"""
OPTIONS = ["--env", ID, "--agent.exploration", "boltzmann:Boltzmann", "--agent.exploration.temperature", "2"]
NAMED = {"agent.exploration": "boltzmann:Boltzmann", "agent.exploration.temperature": 2}


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The user's folder with the README's module and one of an environment."""
    folder = tmp_path_factory.mktemp("beside")
    (folder / "boltzmann.py").write_text(BOLTZMANN)
    (folder / "worlds.py").write_text(WORLDS)
    return folder


def argmaxq(folder: Path, *words: str, **variables: str) -> tuple[int, str, str]:
    """The command in a process of its own that looks for modules as an installed script does: not where it starts."""
    with command(*words, cwd=folder, PYTHONSAFEPATH="1", **variables) as process:
        out, err = process.communicate()
    return process.returncode, out, err


@pytest.fixture(scope="module")
def made(beside: Path) -> Path:
    """A run with that component in that environment, from the command line."""
    assert argmaxq(beside, "train", *SMALL, *OPTIONS, "--quiet", "--out", "run") == (0, "run\n", "")
    return beside / "run"


@pytest.fixture
def boltzmann(beside: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The README's module, imported, and forgotten afterwards."""
    monkeypatch.syspath_prepend(beside)
    yield importlib.import_module("boltzmann")
    forget()


def forget() -> None:
    """As if the module had never been imported."""
    for module in ("boltzmann", "worlds"):
        sys.modules.pop(module, None)
    registry["exploration"].pop("boltzmann", None)


@pytest.mark.parametrize(
    "words",
    [
        ["evaluate", "--episodes", "2"],
        ["resume", "--steps", "100"],
        ["plot", "--what", "value", "--out", "value.png"],
        ["watch", "--video", "a.gif"],
    ],
    ids=lambda words: words[0],
)
def test_every_verb_finds_it_again(words: list[str], made: Path, beside: Path) -> None:
    code, _, err = argmaxq(beside, words[0], "run", *words[1:])
    assert (code, err) == (0, "")
    recipe = json.loads((made / "config.json").read_text())["recipe"]
    assert recipe["agent"]["exploration"] == {"type": "exploration/boltzmann:Boltzmann", "temperature": 2.0}


def test_a_received_run_asks_first(made: Path, beside: Path, tmp_path: Path) -> None:
    another = {trust.STATE_DIR: str(tmp_path / "another")}
    for words, modules in (([], "modules boltzmann and worlds"), (["--env", ID], "module boltzmann")):
        code, _, err = argmaxq(beside, "evaluate", "run", "--episodes", "1", *words, **another)
        assert (code, err.count("\n")) == (2, 1)
        assert f"was not made here, and to load it imports the {modules}, which may do anything: if you trust" in err
    assert argmaxq(beside, "evaluate", "run", "--episodes", "1", "--trust", **another)[::2] == (0, "")


@pytest.fixture
def works_beside(beside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Commands in this process, beside the modules, which lie nowhere on Python's path; studies train here, too."""
    monkeypatch.chdir(beside)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr("argmaxq.tuning.tune.chosen", lambda: Here)
    monkeypatch.setattr("argmaxq.studies.study.chosen", lambda ray, slurm: Here)
    yield
    forget()


def elsewhere(folder: Path) -> None:
    """As in a new process that has not looked for modules in a folder."""
    forget()
    sys.path[:] = [entry for entry in sys.path if entry != str(folder)]


NAMES = ["--agent.exploration", "boltzmann:Boltzmann"]


@pytest.mark.usefixtures("works_beside")
def test_a_study_goes_on_where_it_finds_it_again(beside: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "study")
    assert main(["study", "cliff/q", *NAMES, "--steps", "40", "--vary", "agent.gamma=0.9,0.8", "--out", out]) == 0
    for group in Path(out).glob("groups/*/done.json"):
        group.unlink()
    elsewhere(beside)
    assert main(["resume", out]) == 0


@pytest.mark.usefixtures("works_beside")
@pytest.mark.parametrize(
    "words", [[*NAMES, "--over", "agent.gamma=0.9,0.99"], ["--over", f"agent.exploration={NAMES[1]},greedy"]]
)
def test_a_tuning_goes_on_where_it_finds_it_again_and_asks_first_where_it_was_received(
    words: list[str], beside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("optuna")
    out = str(tmp_path / "tuned")
    few = ["--trials", "1", "--seeds", "1", "--reported", "2", "--steps", "40", "--out", out]
    assert main(["tune", "cliff/q", *words, *few]) == 0
    (tmp_path / "tuned" / "best.json").unlink()
    elsewhere(beside)
    assert main(["resume", out]) == 0
    elsewhere(beside)
    monkeypatch.setenv(trust.STATE_DIR, str(tmp_path / "another"))
    capsys.readouterr()
    assert main(["resume", out]) == 2
    assert "was not made here, and to load it imports the module boltzmann, which may do" in capsys.readouterr().err
    assert "boltzmann" not in sys.modules
    assert main(["resume", out, "--trust"]) == 0


@pytest.mark.parametrize("choice", ["planted:Max2", "max planted:Max2", "(planted:Max2)"])
def test_no_tuning_smuggles_a_module_in_by_a_choice(choice: str, tmp_path: Path) -> None:
    data = {"name": "a", "recipe": to_json(SMALLEST), "trials": 1, "seeds": 1, "reported": 2, "engine": "auto"}
    over = {"low": 0.0, "high": 0.0, "log": False, "whole": False, "choices": ["max", choice]}
    (tmp_path / "tuning.json").write_text(json.dumps(data | {"over": {"agent.bootstrap": over}}))
    with pytest.raises(UserError, match="was not made here, and to load it imports the module planted"):
        tuning.resume(tmp_path)


def test_where_the_module_is_not_found_a_line_says_what_to_do(made: Path, tmp_path: Path) -> None:
    code, _, err = argmaxq(tmp_path, "evaluate", str(made), "--episodes", "1")
    assert (code, err.count("\n")) == (2, 1)
    assert "there is no module boltzmann for boltzmann:Boltzmann: install it, or, if it is your own, start where" in err


def test_a_folder_that_was_received_is_asked_for_in_python_too(
    made: Path, beside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(trust.STATE_DIR, str(tmp_path / "another"))
    monkeypatch.syspath_prepend(beside)
    forget()
    try:
        with pytest.raises(UserError, match=r"the modules boltzmann and worlds, .*say --trust; in Python trust=True"):
            _ = aq.Run(made).recipe
        # A policy needs no environment, so no module of one either.
        with pytest.raises(UserError, match=r"imports the module boltzmann, .*say --trust; in Python trust=True"):
            aq.load(made)
        with pytest.raises(UserError, match=r"imports the module boltzmann, .*say --trust; in Python trust=True"):
            aq.load(made, own={"env.id": ID})
        own = {"env.id": ID, "agent.exploration": EpsilonGreedy()}
        assert aq.load(made, own=own).agent.exploration == EpsilonGreedy()
        assert "boltzmann" not in registry["exploration"]
        for name, value in trust.for_workers(aq.Run(made).config).items():
            monkeypatch.setenv(name, value)
        assert aq.load(made).agent.exploration.temperature == 2
    finally:
        forget()


def test_a_component_that_a_run_goes_on_with_is_vouched_for_as_the_run_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cautious.py").write_text(
        "import argmaxq as aq\n@aq.component(aq.Exploration)\nclass Cautious(aq.exploration.EpsilonGreedy): ..."
    )
    monkeypatch.syspath_prepend(tmp_path)
    run = aq.train(SMALLEST, out=tmp_path / "run")
    aq.resume(run.path, {"agent.exploration": "cautious:Cautious"}, steps=80)

    def loaded() -> str:
        sys.modules.pop("cautious", None)
        registry["exploration"].pop("cautious", None)
        return type(aq.load(run.path).agent.exploration).__name__  # type: ignore[attr-defined]

    assert loaded() == "Cautious"
    monkeypatch.setenv(trust.STATE_DIR, str(tmp_path / "another"))
    with pytest.raises(UserError, match="was not made here"):
        loaded()
    # Who trusts it this once and changes it does not make it one of his own.
    aq.resume(run.path, {"agent.gamma": 0.9}, steps=80, trust=True)
    with pytest.raises(UserError, match="was not made here"):
        loaded()


def test_no_folder_smuggles_a_module_in_by_a_component(
    made: Path, beside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANTED", str(tmp_path / "trace"))
    (tmp_path / "planted.py").write_text("import os; open(os.environ['PLANTED'], 'w')")
    monkeypatch.syspath_prepend(tmp_path)
    plain = copied(DATA / "format-1-compiled", tmp_path / "plain")
    for path in (plain, copied(made, tmp_path / "signed")):
        change_config(path, lambda config: config["recipe"]["agent"]["bootstrap"].update(type="bootstrap/planted:Max2"))
        with pytest.raises(UserError, match=r"was not made here, and to load it imports the module.* planted"):
            aq.load(path)
    lying = copied(plain, tmp_path / "lying")
    (lying / "evil.py").write_text("raise SystemExit('evil')")
    monkeypatch.syspath_prepend(lying)
    change_config(lying, lambda config: config["recipe"]["agent"]["bootstrap"].update(type="bootstrap/evil:Max2"))
    with pytest.raises(UserError, match="the module evil lies in the run's folder itself"):
        aq.load(lying, trust=True)
    assert not (tmp_path / "trace").exists()


def test_proofs_that_were_made_before_stay_good() -> None:
    config = {"id": "0" * 32, "recipe": {"type": "recipe/recipe", "env": {"id": "worlds:Mine-v0", "kwargs": {}}}}
    proof = trust.proof(config)
    key = (trust.state_folder() / trust.KEY).read_bytes()
    text = json.dumps({"env": config["recipe"]["env"], "id": config["id"]}, sort_keys=True)  # type: ignore[index]
    assert proof == hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize("engine", ["compiled", "host"])
def test_in_python_it_is_named_by_path_or_given(engine: str, boltzmann: ModuleType, tmp_path: Path) -> None:
    recipe = aq.replace(SMALLEST, NAMED)
    assert recipe == aq.replace(SMALLEST, {"agent.exploration": boltzmann.Boltzmann(2.0)})
    run = aq.train(recipe, engine=engine, out=tmp_path / "run")  # type: ignore[arg-type]
    assert aq.Run(run.path).recipe == recipe
    assert aq.resume(run.path, steps=80).summary["step"] == 240


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the module mistaken has no Mine: it holds no component"),
        ("Mine = 3", "is no exploration: it is a class under no role, and one under @aq.component(Exploration) is"),
        ("from argmaxq.learning.sync import Polyak as Mine", "it is a class under the role sync"),
        ("x = 1\ny = nothing", "the module mistaken cannot be imported: NameError: name 'nothing' is not defined ("),
        ("y = (", "the module mistaken cannot be imported: SyntaxError: '(' was never closed (mistaken.py, line 1)"),
        ("raise SystemExit(3)", "the module mistaken cannot be imported: SystemExit: 3 ("),
        ("import nowhere", "the module mistaken cannot be imported: ModuleNotFoundError: No module named 'nowhere' ("),
        (
            "import argmaxq as aq\n@aq.component(aq.Exploration)\nclass Mine: ...",
            "the module mistaken: Mine is no exploration: it lacks noise(self, key, shape), ",
        ),
    ],
)
def test_a_mistake_in_the_module_is_told_in_a_line(
    content: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mistaken.py").write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    monkeypatch.delitem(sys.modules, "mistaken", raising=False)
    with pytest.raises(UserError) as caught:
        aq.replace(SMALLEST, "agent.exploration", "mistaken:Mine")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


SCRIPT = f"""{BOLTZMANN}
import sys
sys.path.insert(0, {str(TESTS)!r})
from support.hostile import SMALLEST
run = aq.train(aq.replace(SMALLEST, {{"agent.exploration": Boltzmann(2.0)}}), out="run")
assert aq.resume(run.path, steps=80).recipe.agent.exploration == Boltzmann(2.0)
"""


def test_one_of_a_script_works_in_it_and_elsewhere_says_what_to_do(tmp_path: Path, boltzmann: ModuleType) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    subprocess.run([sys.executable, "script.py"], cwd=tmp_path, check=True)
    own = boltzmann.Boltzmann(2.0)
    assert aq.load(tmp_path / "run").agent.exploration == own  # defined again
    del registry["exploration"]["boltzmann"]
    with pytest.raises(UserError, match=r"is a Boltzmann, a class of a script or notebook, .*: put it into a module"):
        aq.load(tmp_path / "run")
    registry["exploration"]["boltzmann"] = boltzmann.Boltzmann
    assert aq.load(tmp_path / "run", own={"agent.exploration": own}).agent.exploration == own
