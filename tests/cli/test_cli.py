"""The command line: what each verb prints, leaves behind and returns."""

import json
import pkgutil
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import argmaxq as aq
from argmaxq.cli.verbs import VERBS
from argmaxq.components.registry import registry
from argmaxq.devices import current, using
from argmaxq.recipes import recipes
from argmaxq.reporting.text import number
from support.commands import SMALL, Command, command

# Box2D's bindings crash the process if this warning of theirs is made an error.
pytestmark = pytest.mark.filterwarnings("ignore:builtin type:DeprecationWarning")


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


def test_list_shows_the_lines_that_hold_all_words(argmaxq: Command) -> None:
    _, everything, _ = argmaxq("list")
    code, out, err = argmaxq("list", "CartPole", "dqn")
    named = [line for line in everything.splitlines() if "cartpole" in line.lower() and "dqn" in line.lower()]
    assert (code, err) == (0, "")
    assert [line.split() for line in out.splitlines()[1:]] == [line.split() for line in named]
    assert out.splitlines()[0] == "recipes: argmaxq train RECIPE"
    _, out, _ = argmaxq("list", "bump")
    assert [line.split()[:2] for line in out.splitlines()[1:]] == [["features", "radial"]]


def test_every_component_is_known_from_the_start() -> None:
    before = {role: dict(members) for role, members in registry.items()}
    for module in pkgutil.walk_packages(aq.__path__, "argmaxq."):
        if module.name != "argmaxq.__main__":
            import_module(module.name)
    assert {role: members for role, members in registry.items() if role in before} == before


def test_training_says_what_it_does_and_how_it_went(argmaxq: Command) -> None:
    code, out, err = argmaxq("train", *SMALL, "--agent.gamma", "0.9", "--seed", "5")
    assert (code, err) == (0, "")
    rows = [line for line in out.splitlines() if not line.startswith("  last evaluation")]  # there if not the best
    first, *progress_lines, returns, best, selected, spent, where, following, last = [
        *(row for row in rows[:-4] if "selecting" not in row and "best evaluation" not in row),
        *(row for row in rows if "selecting" in row or "best evaluation" in row),
        *rows[-4:],
    ]  # returns in training after the evaluations
    assert first == "cartpole/dqn on CartPole-v1, compiled engine on cpu, seed 5, in runs/cartpole-dqn"
    assert progress_lines[-1].startswith("1200/1200 steps")
    run = aq.Run("runs/cartpole-dqn")
    (summary,) = run.summary["seeds"]
    shown = returns.removesuffix(", in training").split()
    assert shown == ["last", str(min(100, summary["episodes"])), "episodes", number(summary["mean_return"])]
    assert best.split()[2:] == [number(summary["best"]["mean"]), "at", "step", f"{summary['best']['step']:,}"]
    assert selected.strip() == "best of 3 selecting evaluations, evaluate scores it afresh"
    assert re.fullmatch(r"  time +[\d.]+ s of training, [\d,]+ steps/s", spent)
    assert where.split(maxsplit=1) == ["run", "runs/cartpole-dqn, curve in curve.png"]
    assert following.split(maxsplit=1) == ["next", "argmaxq evaluate runs/cartpole-dqn"]
    assert last.split()[:3] == ["argmaxq", "watch", "runs/cartpole-dqn"]
    assert (run.recipe.agent.gamma, run.recipe.agent.network.hidden, run.seeds) == (0.9, (16, 16), (5,))  # type: ignore[attr-defined]
    assert (run.path / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert argmaxq("train", *SMALL, "--quiet")[:2] == (0, "runs/cartpole-dqn-2\n")


def test_a_recipe_trains_on_another_environment(argmaxq: Command) -> None:
    code, out, _ = argmaxq("train", *SMALL, "--env", "Acrobot-v1", "--out", "a b")
    title, change, opening, *_ = out.splitlines()
    assert (code, opening.split(",")[0]) == (0, "cartpole/dqn on Acrobot-v1")
    assert title == "Acrobot-v1 instead of CartPole-v1; what belonged to that one:"
    assert change.startswith("  agent.rewards.factor 0.072 (was 0.1)")
    assert "argmaxq evaluate 'a b'" in out
    assert aq.Run("a b").policy()(np.zeros(6, np.float32)) in range(3)


def test_options_stand_in_any_order(argmaxq: Command) -> None:
    code, out, _ = argmaxq("train", "--quiet", "--steps", "104", "--out", "x", *SMALL[:1], *SMALL[3:], "--env.lanes=2")
    assert (code, out) == (0, "x\n")
    assert (aq.Run("x").recipe.steps, aq.Run("x").recipe.env.lanes) == (104, 2)


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
    assert argmaxq("resume", "runs/cartpole-dqn", "--quiet") == (0, "runs/cartpole-dqn\n", "")
    assert argmaxq("resume", "runs/cartpole-dqn", "--quiet", "--steps", "400") == (0, "runs/cartpole-dqn\n", "")
    assert aq.Run("runs/cartpole-dqn").summary["step"] == 2000


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
    assert (code, [row[0] for row in rows]) == (0, ["seed", "0", "1", "2", "over"])
    assert rows[-1][:2] == ["over", "seeds"]
    assert rows[-1][2] == number(found["mean"], means)


def test_check_finds_and_counts_faults(argmaxq: Command) -> None:
    code, out, _ = argmaxq("check", "Pendulum-v1")
    assert (code, "fail  actions" in out) == (1, True)
    code, out, _ = argmaxq("check", "CartPole-v1", "--kwargs", '{"max_episode_steps": 50}')
    assert code == 0
    assert re.search(r"(?m)^  ok +time limit +50 steps$", out)
    assert max(map(len, out.splitlines())) <= 100


def test_starting_up_loads_nothing_that_only_some_verbs_need(tmp_path: Path) -> None:
    code = (
        "import sys; from argmaxq.cli.main import main; main(sys.argv[1:]); "
        "print([name for name in ('matplotlib', 'pygame', 'imageio_ffmpeg', 'Box2D') if name in sys.modules])"
    )
    for argv in (["--help"], ["train", "nothing"], ["list"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *argv], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert done.stdout.endswith("\n[]\n") or done.stdout == "[]\n", argv


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    with command("list", cwd=tmp_path) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
        assert process.wait() == 1
