"""The command line: what each verb prints, leaves behind and returns, and every mistake in one line."""

import json
import os
import pkgutil
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import argmaxq as aq
from argmaxq.cli import VERBS, main
from argmaxq.component import registry
from argmaxq.recipes import recipes
from argmaxq.reporting.tables import columns
from argmaxq.reporting.text import number, outcome
from argmaxq.training.devices import current, using

# Box2D's bindings crash the process if this warning of theirs is made an error.
pytestmark = pytest.mark.filterwarnings("ignore:builtin type:DeprecationWarning")

OPTIONS = {
    "steps": "1200",
    "agent.network.hidden": "16 16",
    "agent.rollout": "4",
    "agent.updates": "1",
    "agent.batch-size": "16",
    "agent.learning-starts": "100",
    "agent.replay.capacity": "600",
    "evaluation.every": "400",
    "evaluation.episodes": "3",
    "checkpoint-every": "400",
}
SMALL = ["cartpole/dqn", *(part for path, value in OPTIONS.items() for part in (f"--{path}", *value.split()))]
"""A training of a second."""

Outcome = tuple[int, str, str]
Command = Callable[..., Outcome]


class Misbehaving(gym.Env[Any, Any]):
    """Ends its first episode, and then raises what it was given."""

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
        if self._episodes > 3:
            raise self._error
        return np.zeros(2, np.float32), 1.0, True, False, {}


class Unfit(gym.Env[Any, Any]):
    """Several choices at once."""

    observation_space = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)
    action_space = gym.spaces.MultiDiscrete([3, 4])


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
gym.register("Unfit-v0", Unfit)


@pytest.fixture
def argmaxq(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command, in this process and an empty folder: (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def run(*argv: str) -> Outcome:
        code = main(argv)
        return code, *capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("cli") / "run")
    assert main(["train", *SMALL, "--out", path, "--quiet"]) == 0
    return path


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("cli") / "seeds")
    assert main(["train", *SMALL, "--seeds", "3", "--out", path, "--quiet"]) == 0
    return path


def start(*argv: str, cwd: Path) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "argmaxq", *argv]
    return subprocess.Popen(
        command, cwd=cwd, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


# Mistakes


MISTAKES = {
    "trian cartpole/dqn": "there is no verb 'trian': did you mean train?",
    "train": "the following arguments are required: RECIPE; see argmaxq train --help",
    "train cartpol/dqn": "there is no recipe 'cartpol/dqn': did you mean cartpole/dqn or",
    "train cartpole/dqn --sead 3": "there is no option --sead: did you mean --seed?",
    "train cartpole/dqn --agent.gama 0.9": "there is no agent.gama: did you mean agent.gamma?",
    "train cartpole/dqn --gamma 0.9": "there is no gamma: did you mean agent.gamma?",
    "train cartpole/dqn --agent.replay prioritized": "prioritized is no replay: did you mean prioritised?",
    "train cartpole/dqn --agent.replay.alpha 1": "agent.replay is uniform; prioritised would have it",
    "train cartpole/dqn --agent.gamma 7": "agent.gamma = 7.0 is out of its range: it must be at least 0 and at most 1",
    "train cartpole/dqn --steps -5": "steps = -5 is out of its range: it must be at least 0",
    "train cartpole/dqn --steps many": "steps = 'many': a whole number is needed",
    "train cartpole/dqn --seeds 0": "seed = 0, seeds = 0: seeds are whole numbers from 0 on, at least one of them",
    "train cartpole/dqn --seed -1": "seed = -1, seeds = 1",
    "train cartpole/dqn --seed x": "argument --seed: invalid int value: 'x'; see argmaxq train --help",
    "train cartpole/dqn --engine fast": "engine = 'fast': it must be auto, compiled or host",
    "train cartpole/dqn 5": "'5' belongs to no option: options are written --path value",
    "train cartpole/dqn --device abacus": "device = 'abacus': there is no such device here; there are cpu",
    "train cartpole/dqn --device cpu:99": "device = 'cpu:99': there is no such device here; there are cpu",
    "train cartpole/dqn --env Pendulum-v1": "continuous: no agent here fits; an actor-critic such as SAC does",
    "train cartpole/dqn --env Unfit-v0": "enumerate the 12 combinations as one Discrete space",
    "train cartpole/dqn --env CartPol-v1": "'CartPol-v1' is not registered: did you mean CartPole-v1",
    "train cartpole/dqn --agent.replay.capacity 3": "agent.replay.capacity = 3 is too small",
    "train lunarlander/dqn --engine compiled": "no compiled form here: use --engine host or auto",
    "resume nothing": "nothing is no run folder: it does not exist",
    "resume .": ". is no run folder: it has no config.json",
    "resume nothing --steps": "argument --steps: expected one argument; see argmaxq resume --help",
    "evaluate nothing": "nothing is no run folder: it does not exist",
    "evaluate nothing --episods 3": "argmaxq evaluate knows no --episods: did you mean --episodes",
    "watch nothing --video a.mp4": "nothing is no run folder: it does not exist",
    "check CartPole-v1 --kwargs [1]": "--kwargs [1]: it must be a JSON object, such as '{\"continuous\": false}'",
    "check CartPole-v1 --kwargs {": "--kwargs {: it must be a JSON object",
}


@pytest.mark.parametrize("command", MISTAKES)
def test_a_mistake_is_one_line_and_leaves_nothing_behind(argmaxq: Command, tmp_path: Path, command: str) -> None:
    code, out, err = argmaxq(*command.split())
    assert (code, out) == (2, "")
    assert re.fullmatch(r"argmaxq: .*\n", err)
    assert MISTAKES[command] in err
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--checkpoint", "77"], r"argmaxq: .* has no checkpoint 77: there are best, last, 800, 1200\n"),
        (["--checkpoint", "first"], r"argmaxq: .* has no checkpoint first: there are best, last, 800, 1200\n"),
        (["--episodes", "0"], r"argmaxq: episodes = 0: at least one is needed\n"),
        (["--seed", "-1"], r"argmaxq: seed = -1: it must be at least 0\n"),
    ],
)
def test_evaluating_what_is_not_there_says_what_is(argmaxq: Command, trained: str, options: Any, line: str) -> None:
    code, out, err = argmaxq("evaluate", trained, *options)
    assert (code, out) == (2, "")
    assert re.fullmatch(line, err)


def test_an_existing_folder_is_never_overwritten(argmaxq: Command, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    (tmp_path / "file").write_text("more")
    for out in ("mine", "file"):
        code, _, err = argmaxq("train", *SMALL, "--out", out)
        assert code == 2
        assert err == f"argmaxq: {out} exists and is not overwritten: choose another --out, or resume it\n"
    assert {path.name for path in tmp_path.rglob("*")} == {"mine", "thesis.txt", "file"}
    code, _, err = argmaxq("train", *SMALL, "--out", "file/below")
    assert (code, err.count("\n")) == (2, 1)
    assert "no folder can be made there" in err


def test_one_seed_of_many_is_named_where_one_is_needed(argmaxq: Command, seeds: str) -> None:
    code, _, err = argmaxq("watch", seeds, "--video", "a.mp4")
    assert (code, err) == (2, f"argmaxq: {seeds} holds 3 runs: name one of them, such as {seeds}/seed-0\n")
    code, _, err = argmaxq("resume", f"{seeds}/seed-1")
    assert (code, err.endswith(f"resumed as a whole: resume {seeds}\n")) == (2, True)


def test_the_real_commands_say_the_same(tmp_path: Path) -> None:
    script = str(Path(sys.executable).with_name("argmaxq"))
    for command in ([script], [sys.executable, "-m", "argmaxq"]):
        done = subprocess.run([*command, "trian"], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == "argmaxq: there is no verb 'trian': did you mean train?\n"


def test_what_the_users_environment_raises_keeps_its_traceback(argmaxq: Command, tmp_path: Path) -> None:
    options = ["--env", "Misbehaving-v0", "--env.kwargs", '{"error": "error"}', "--evaluation.every", "0"]
    with pytest.raises(ZeroDivisionError, match="mine"):
        argmaxq("train", *SMALL, *options)


def test_an_interruption_is_a_word(argmaxq: Command) -> None:
    options = ["--env", "Misbehaving-v0", "--env.kwargs", '{"error": "interrupt"}', "--evaluation.every", "0"]
    code, out, err = argmaxq("train", *SMALL, *options)
    assert (code, err) == (130, "argmaxq: interrupted\n")
    assert "stopped            at step 0 of 1,200" in out


# Verbs


def test_help_is_for_all_verbs_each_verb_and_each_recipe(argmaxq: Command) -> None:
    for argv in ((), ("--help",), ("-h",)):
        code, out, err = argmaxq(*argv)
        assert (code, err) == (0, "")
        assert all(
            f"argmaxq {verb} " in out for verb in ("list", "train", "resume", "evaluate", "plot", "watch", "check")
        )
    for name, verb in VERBS.items():
        code, out, _ = argmaxq(name, "--help")
        assert code == 0
        assert out.startswith(f"usage: argmaxq {name}")
        assert all(settings.get("metavar", argument) in out for argument, settings in verb.arguments)
    code, out, _ = argmaxq("train", "cartpole/dqn", "--agent.replay", "prioritised", "--help")
    assert code == 0
    assert all(text in out for text in ("--engine", "--agent.gamma", "--agent.replay.alpha", "default 50000"))
    assert max(map(len, out.splitlines())) <= 100
    assert argmaxq("train", "cartpol/dqn", "--help")[0] == 2
    assert argmaxq("--version")[1].startswith("argmaxq 0.")


def test_list_has_a_line_for_everything_that_can_be_chosen(argmaxq: Command) -> None:
    code, out, _ = argmaxq("list")
    assert code == 0
    words = [line.split() for line in out.splitlines()]
    assert {line[0] for line in words if line} >= {*recipes(), "CartPole-v1", "MountainCar-v0", "Acrobot-v1"}
    roles = ("agent", "network", "head", "bootstrap", "exploration", "schedule", "replay", "sync", "optimiser", "stop")
    known = {(role, name) for role in roles for name in registry[role]}
    listed: set[tuple[str, str]] = set()
    role = ""
    for line in out[out.index("\ncomponents") :].splitlines()[2:]:
        role = line.split()[0] if line[2] != " " else role
        listed.add((role, line.split()[1 if line[2] != " " else 0]))
    assert listed >= known
    assert "``" not in out


def test_every_component_is_known_from_the_start() -> None:
    before = {role: dict(members) for role, members in registry.items()}
    for module in pkgutil.walk_packages(aq.__path__, "argmaxq."):
        if module.name != "argmaxq.__main__":
            import_module(module.name)
    assert {role: members for role, members in registry.items() if role in before} == before


def test_training_says_what_it_does_and_how_it_went(argmaxq: Command) -> None:
    code, out, err = argmaxq("train", *SMALL, "--agent.gamma", "0.9", "--seed", "5")
    assert (code, err) == (0, "")
    first, *progress_lines, returns, best, spent, where, following, last = out.splitlines()
    assert first == "cartpole/dqn on CartPole-v1, compiled engine on cpu, seed 5, in runs/cartpole-dqn"
    assert progress_lines[-1].startswith("1200/1200 steps")
    run = aq.Run("runs/cartpole-dqn")
    (summary,) = run.summary["seeds"]
    assert returns.split() == ["last", str(min(100, summary["episodes"])), "episodes", number(summary["mean_return"])]
    assert best.split()[2:] == [number(summary["best"]["mean"]), "at", "step", f"{summary['best']['step']:,}"]
    assert re.fullmatch(r"  time +[\d.]+ s of training, [\d,]+ steps/s", spent)
    assert where.split(maxsplit=1) == ["run", "runs/cartpole-dqn, curve in curve.png"]
    assert following.split(maxsplit=1) == ["next", "argmaxq evaluate runs/cartpole-dqn"]
    assert last.strip() == "argmaxq watch runs/cartpole-dqn"
    assert (run.recipe.agent.gamma, run.recipe.agent.network.hidden, run.seeds) == (0.9, (16, 16), (5,))  # type: ignore[attr-defined]
    assert (run.path / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert argmaxq("train", *SMALL, "--quiet")[:2] == (0, "runs/cartpole-dqn-2\n")


def test_a_recipe_trains_on_another_environment(argmaxq: Command) -> None:
    code, out, _ = argmaxq("train", *SMALL, "--env", "Acrobot-v1", "--out", "a b")
    assert (code, out.splitlines()[0].split(",")[0]) == (0, "cartpole/dqn on Acrobot-v1")
    assert "argmaxq evaluate 'a b'" in out
    assert aq.Run("a b").policy()(np.zeros(6, np.float32)) in range(3)


def test_options_stand_in_any_order(argmaxq: Command) -> None:
    code, out, _ = argmaxq("train", "--quiet", "--steps", "8", "--out", "x", *SMALL[:1], *SMALL[3:], "--env.lanes=2")
    assert (code, out) == (0, "x\n")
    assert (aq.Run("x").recipe.steps, aq.Run("x").recipe.env.lanes) == (8, 2)


def test_the_device_is_chosen_and_kept(argmaxq: Command) -> None:
    assert argmaxq("train", *SMALL, "--device", "cpu:0", "--quiet")[0] == 0
    config = aq.Run("runs/cartpole-dqn").config
    assert (config["device_asked"], config["device"]["count"]) == ("cpu:0", 1)
    with using("cpu:0"):
        assert len(current()) == 1
        assert next(iter(current()[0].client.devices())) == current()[0]
    with using(None):
        everything = current()
    with using("CPU"):
        assert current() == everything


def test_resume_of_a_finished_run_says_so_and_goes_on_when_asked(argmaxq: Command) -> None:
    argmaxq("train", *SMALL, "--quiet")
    finished = "runs/cartpole-dqn is finished: nothing is left to do; --steps MORE goes on\n"
    assert argmaxq("resume", "runs/cartpole-dqn") == (0, finished, "")
    code, out, _ = argmaxq("resume", "runs/cartpole-dqn", "--steps", "400")
    assert (code, out.splitlines()[1].split()[0]) == (0, "1600/1600")
    assert aq.Run("runs/cartpole-dqn").summary["step"] == 1600


def test_evaluate_prints_a_table_or_json(argmaxq: Command, trained: str) -> None:
    expected = aq.Run(trained).evaluate(4, seed=3)
    code, out, _ = argmaxq("evaluate", trained, "--episodes", "4", "--seed", "3", "--json")
    assert (code, json.loads(out)) == (0, expected.to_json())
    assert list(json.loads(out)) == ["episodes", "mean", "std", "min", "max", "returns", "random"]
    code, out, _ = argmaxq("evaluate", trained, "--episodes", "4", "--seed", "3", "--checkpoint", "1200")
    title, names, numbers = out.splitlines()
    assert title == "CartPole-v1, 4 greedy episodes of the 1200 checkpoint"
    assert names.split() == ["seed", "step", "mean", "std", "min", "max", "random"]
    returns = aq.Run(trained).evaluate(4, seed=3, which="last").returns
    assert numbers.split()[:3] == ["0", "1,200", number(float(np.mean(returns)), returns)]
    assert numbers.split()[-1] == number(expected.random)


def test_evaluate_summarises_many_seeds(argmaxq: Command, seeds: str) -> None:
    code, out, _ = argmaxq("evaluate", seeds, "--episodes", "3", "--json")
    found = json.loads(out)
    assert [each.pop("seed") for each in found["seeds"]] == [0, 1, 2]
    assert found["seeds"] == [part.evaluate(3).to_json() for part in aq.Run(seeds).parts]
    means = [each["mean"] for each in found["seeds"]]
    assert (found["mean"], found["max"]) == (pytest.approx(np.mean(means)), max(means))
    code, out, _ = argmaxq("evaluate", seeds, "--episodes", "3")
    rows = [line.split() for line in out.splitlines()[1:]]
    assert (code, [row[0] for row in rows]) == (0, ["seed", "0", "1", "2", "means"])
    assert rows[-1][1] == number(found["mean"], means)


def test_check_finds_and_counts_faults(argmaxq: Command) -> None:
    code, out, _ = argmaxq("check", "Unfit-v0")
    assert (code, "fail  actions" in out) == (1, True)
    code, out, _ = argmaxq("check", "CartPole-v1", "--kwargs", '{"max_episode_steps": 50}')
    assert code == 0
    assert re.search(r"(?m)^  ok +time limit +50 steps$", out)
    assert max(map(len, out.splitlines())) <= 100


# Ends


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
    process = start("train", *SMALL, "--steps", "2e9", "--checkpoint-every", "1000", "--out", "run", cwd=tmp_path)
    while not (tmp_path / "run" / "checkpoints").is_dir():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(getattr(signal, name))
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    summary = aq.Run(tmp_path / "run").summary
    assert f"stopping: {name} received, saving at step {summary['step']}" in out
    assert re.search(rf"(?m)^  stopped +at step {summary['step']:,} of 2,000,000,000$", out)
    assert out.endswith("  next               argmaxq resume run\n")
    assert (summary["finished"], (tmp_path / "run" / "curve.png").is_file()) == (False, True)


def test_seeds_that_are_trained_in_turn_stop_together_and_go_on(tmp_path: Path) -> None:
    recipe = aq.replace(aq.Recipe(), {"steps": 400, "agent.learning_starts": 100, "checkpoint_every": 100})
    recipe = aq.replace(recipe, {"evaluation.every": 0, "agent.network.hidden": (16,)})

    def interrupt(block: Any) -> None:
        if block.step >= 100:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.1)

    run = aq.train(recipe, seeds=2, engine="host", callbacks=[interrupt], out=tmp_path / "run")
    assert (run.summary["finished"], len(run.summary["seeds"])) == (False, 1)
    run = aq.resume(run.path)
    assert run.summary["finished"]
    assert [seed["step"] for seed in run.summary["seeds"]] == [400, 400]


def test_a_seed_that_diverges_in_its_turn_does_not_stop_the_others(tmp_path: Path) -> None:
    recipe = aq.replace(aq.Recipe(), {"steps": 300, "agent.learning_starts": 50, "evaluation.every": 0})
    run = aq.train(aq.replace(recipe, "agent.network.hidden", (16,)), env=Sometimes, seeds=4, out=tmp_path / "run")
    ends = [seed["stopped"] for seed in run.summary["seeds"]]
    assert (len(ends), set(ends)) == (4, {"diverged", "at the last step"})
    text = outcome(run.config, run.summary, run.path)
    which = ", ".join(str(number) for number, end in enumerate(ends) if end == "diverged")
    assert f"  diverged           seed {which}, by step" in text


# Words


@pytest.mark.parametrize(("solved", "words"), [([], "no"), ([5000, 7000], "2 of 3, at step 6,000 (median)")])
def test_outcomes_of_many_seeds_are_summarised(solved: list[int], words: str) -> None:
    config = {"seeds": [0, 1, 2], "recipe": {"stop": {"type": "stop/training-return"}, "steps": 9000}}
    seeds = [
        {"seed": n, "episodes": 40 + n, "mean_return": 10.0 * n, "best": {"step": 100, "mean": 9.5 * n}, "stopped": "-"}
        | {"solved_at": solved[n] if n < len(solved) else None}
        for n in range(3)
    ]
    summary = {"finished": True, "training_seconds": 200.0, "steps_per_second": 1234.5, "seeds": seeds}
    assert outcome(config, summary, Path("x")).splitlines() == [
        "  last 40 episodes   10.0, the mean of 3 seeds from 0.0 to 20.0",
        "  best evaluation    9.5, the mean of 3 seeds from 0.0 to 19.0",
        f"  solved             {words}",
        "  time               3.3 min of training, 1,234 steps/s",
        "  run                x",
        "  next               argmaxq evaluate x",
        "                     argmaxq watch x/seed-2",
    ]


@given(st.lists(st.tuples(st.text("ab", max_size=5), st.text("cd ", max_size=300)), min_size=1, max_size=5))
def test_columns_keep_every_word_and_their_width(rows: list[tuple[str, str]]) -> None:
    lines = columns(rows, 60)
    assert max(len(line.rstrip()) for line in lines) <= 60
    assert "".join("".join(lines).split()) == "".join("".join(row).replace(" ", "") for row in rows)
    assert len(columns(rows)) == len(rows)


# Speed


def test_starting_up_loads_nothing_that_only_some_verbs_need(tmp_path: Path) -> None:
    code = (
        "import sys; from argmaxq.cli import main; main(sys.argv[1:]); "
        "print([name for name in ('matplotlib', 'pygame', 'imageio_ffmpeg', 'Box2D') if name in sys.modules])"
    )
    for argv in (["--help"], ["train", "nothing"], ["list"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *argv], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert done.stdout.endswith("\n[]\n") or done.stdout == "[]\n", argv


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    process = start("list", cwd=tmp_path)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()
    assert process.wait() == 1
