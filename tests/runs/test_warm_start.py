"""A run that begins with another one's network: what fits is taken and told, and it resumes without the other."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import argmaxq as aq
from argmaxq.components.errors import UserError
from argmaxq.domains.cartpole import CartPole
from argmaxq.runs import checkpoint
from support.commands import SMALL, Command
from support.hostile import change_config, copied
from support.runs import CARTPOLE, PARALLEL, PLATFORM, assert_same, killed_at
from support.tiers import slow

BRIEF = {"steps": 400, "evaluation.every": 400, "evaluation.episodes": 1, "checkpoint_every": 200}
FROZEN = aq.replace(aq.find("frozenlake/q"), BRIEF)
RECIPES = {
    "dqn": aq.replace(CARTPOLE, BRIEF),
    "pqn": aq.replace(PARALLEL, BRIEF | {"steps": 1_024}),
    "pdqn": aq.replace(PLATFORM, BRIEF),
    "paddpg": aq.replace(
        aq.find("platform/paddpg"),
        BRIEF
        | {
            "agent.critic.hidden": (8,),
            "agent.actor_network.hidden": (8,),
            "agent.replay.capacity": 600,
            "agent.learning_starts": 100,
        },
    ),
    "critic-only": aq.replace(
        aq.find("catchpoint/mpdqn"),
        BRIEF | {"agent.critic.hidden": (8,), "agent.replay.capacity": 600, "agent.learning_starts": 100},
    ),
    "table": FROZEN,
    "tiles": aq.replace(aq.find("mountaincar/tiles"), BRIEF),
}


def idle(recipe: aq.Recipe) -> aq.Recipe:
    """The same without a step: what it begins with is what it ends with."""
    return aq.replace(recipe, {"steps": 0, "evaluation.every": 0})


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, aq.Run]:
    """A run of each kind, which is only looked at."""
    folder = tmp_path_factory.mktemp("sources")
    return {name: aq.train(recipe, seed=7, out=folder / name) for name, recipe in RECIPES.items()}


@pytest.mark.parametrize("engine", ["compiled", "host"])
@pytest.mark.parametrize("name", RECIPES)
def test_every_agent_begins_with_another_ones_parameters(
    name: str, engine: Any, sources: dict[str, aq.Run], tmp_path: Path
) -> None:
    run = aq.train(idle(RECIPES[name]), engine=engine, out=tmp_path / "run", start_from=sources[name])
    (path,) = checkpoint.checkpoints(run.path / "checkpoints")
    state, wanted = checkpoint.load(path)[0], sources[name].arrays("best")
    for kind in ("params", "target"):
        prefix = f"engine/learner/{kind}/"
        found = {key.removeprefix(prefix): array for key, array in state.items() if key.startswith(prefix)}
        assert found or kind == "target"
        assert not found or found.keys() == wanted.keys()
        assert all(np.array_equal(array, wanted[key]) for key, array in found.items())
    assert any("/target/" in key for key in state) == (name not in ("pqn", "table", "tiles"))


def test_both_engines_go_on_alike_from_there(sources: dict[str, aq.Run], tmp_path: Path) -> None:
    recipe = aq.replace(RECIPES["dqn"], {"env.id": CartPole, "env.time_limit": 500})
    first, second = (
        aq.train(recipe, engine=engine, start_from=sources["dqn"].path, out=tmp_path / engine)
        for engine in ("compiled", "host")
    )
    ours, theirs = first.arrays("last"), second.arrays("last")
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    assert not np.array_equal(*(run.arrays("last")["output/bias"] for run in (first, sources["dqn"])))


def test_which_checkpoint(sources: dict[str, aq.Run], tmp_path: Path) -> None:
    source = sources["dqn"]
    for which in ("last", 200):
        run = aq.train(idle(RECIPES["dqn"]), start_from=source.path, from_checkpoint=which, out=tmp_path / str(which))
        ours, theirs = run.arrays("start"), source.arrays(which)
        assert all(np.array_equal(ours[name], theirs[name]) for name in theirs)
        assert run.config["from"]["checkpoint"] == str(which)
        assert run.config["from"]["steps"] == [source.step(which)]
        assert run.config["from"]["run"] == source.config["id"]
    with pytest.raises(UserError, match=r"has no checkpoint 3: there are best, last, 200, 400"):
        aq.train(RECIPES["dqn"], start_from=source, from_checkpoint=3, out=tmp_path / "none")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("engine", "seeds"),
    [("compiled", 3), *(slow(*kind) for kind in (("compiled", 1), ("host", 2)))],
)
def test_it_resumes_bit_for_bit_without_its_source(engine: Any, seeds: int, sources: Any, tmp_path: Path) -> None:
    """Killed before its first checkpoint, and after it."""
    recipe, source = aq.replace(CARTPOLE, {"steps": 1_000}), copied(sources["dqn"].path, tmp_path / "source")
    options: dict[str, Any] = {"engine": engine, "seeds": seeds, "start_from": source}
    reference = aq.train(recipe, out=tmp_path / "reference", **options)
    with killed_at(tmp_path / "run", 1) as callbacks:
        aq.train(recipe, out=tmp_path / "run", callbacks=callbacks, **options)
    shutil.rmtree(source)
    with killed_at(tmp_path / "run", 600) as callbacks:
        aq.resume(tmp_path / "run", callbacks=callbacks)
    run = aq.resume(tmp_path / "run")
    assert_same(run, reference)
    for part in run.parts:
        ours, theirs = part.arrays("start"), sources["dqn"].arrays("best")
        assert all(np.array_equal(ours[name], theirs[name]) for name in theirs)


def test_of_several_seeds_each_begins_with_its_own(tmp_path: Path) -> None:
    source = aq.train(RECIPES["dqn"], seeds=2, out=tmp_path / "source")
    run = aq.train(idle(RECIPES["dqn"]), seeds=2, start_from=source, out=tmp_path / "run")
    for ours, theirs in zip(run.parts, source.parts, strict=True):
        assert np.array_equal(ours.arrays("last")["output/kernel"], theirs.arrays("best")["output/kernel"])
    assert not np.array_equal(*(part.arrays("last")["output/kernel"] for part in run.parts))
    with pytest.raises(
        UserError, match=r"has no seed 2 for the new one to begin with: start all from one of its seeds, such as .*0"
    ):
        aq.train(RECIPES["dqn"], seeds=3, start_from=source, out=tmp_path / "three")
    three = aq.train(idle(RECIPES["dqn"]), seeds=3, start_from=source.parts[1], out=tmp_path / "three")
    kernels = [part.arrays("last")["output/kernel"] for part in three.parts]
    assert all(np.array_equal(kernel, source.parts[1].arrays()["output/kernel"]) for kernel in kernels)


def test_what_fits_is_taken_and_the_rest_told(sources: dict[str, aq.Run], tmp_path: Path) -> None:
    wider = aq.replace(RECIPES["dqn"], {"agent.network.hidden": (16, 24)})
    with pytest.warns(
        UserWarning, match=r"begins with 3 of 6 arrays .* fresh: Dense_1/bias float32\[24\] \(there float32\[16"
    ):
        run = aq.train(idle(wider), start_from=sources["dqn"], out=tmp_path / "run")
    fresh = aq.train(idle(wider), out=tmp_path / "fresh")
    ours, own, theirs = (each.arrays("last") for each in (run, fresh, sources["dqn"]))
    theirs = sources["dqn"].arrays("best")
    taken = run.config["from"]["taken"]
    assert {*taken} == {"Dense_0/bias", "Dense_0/kernel", "output/bias"}
    for name, array in ours.items():
        assert np.array_equal(array, (theirs if name in taken else own)[name])


def test_dqn_and_pqn_share_networks(sources: dict[str, aq.Run], tmp_path: Path) -> None:
    recipe = aq.replace(RECIPES["pqn"], {"agent.network": RECIPES["dqn"].agent.network})  # type: ignore[attr-defined]
    run = aq.train(idle(recipe), start_from=sources["dqn"], out=tmp_path / "run")
    assert run.config["from"]["fresh"] == []


def test_where_nothing_fits_nothing_is_begun(sources: dict[str, aq.Run], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nothing of .*dqn, checkpoint best fits this agent; fresh: estimates/0/weig"):
        aq.train(RECIPES["table"], start_from=sources["dqn"], out=tmp_path / "run")
    with pytest.raises(UserError, match="nowhere is no run folder: it does not exist"):
        aq.train(RECIPES["table"], start_from=tmp_path / "nowhere", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_numbers_that_are_not_finite_are_refused(sources: dict[str, aq.Run], tmp_path: Path) -> None:
    source = copied(sources["dqn"].path, tmp_path / "source") / "checkpoints"
    arrays, meta = checkpoint.load(source / "best")
    checkpoint.save(source, "best", arrays | {"output/bias": np.full_like(arrays["output/bias"], np.nan)}, meta)
    with pytest.raises(UserError, match="holds numbers that are not finite"):
        aq.train(RECIPES["dqn"], start_from=source.parent, out=tmp_path / "run")


def test_a_source_is_read_without_importing_anything(sources: dict[str, aq.Run], tmp_path: Path) -> None:
    """A run folder received from someone else: its arrays are taken, and its recipe is not even read."""
    received = copied(sources["dqn"].path, tmp_path / "received")
    change_config(received, lambda config: config["recipe"]["env"].update(id="antigravity:Fly-v0"))
    assert aq.train(idle(RECIPES["dqn"]), start_from=received, out=tmp_path / "run").config["from"]["fresh"] == []


BEGINNINGS = [None, [], {}, {"path": "a\nb"}, {"checkpoint": 3}, {"steps": [-1]}, {"seeds": ["x"]}, {"seeds": None}]


@pytest.mark.parametrize("value", BEGINNINGS, ids=str)
def test_what_a_folder_says_of_its_beginning_is_checked(value: Any, tmp_path: Path, sources: Any) -> None:
    run = aq.train(idle(RECIPES["dqn"]), start_from=sources["dqn"], out=tmp_path / "run")
    whole = run.config["from"] | value if value else value
    change_config(run.path, lambda config: config.update({"from": whole}))
    with pytest.raises(UserError, match=r"config.json.from"):
        aq.Run(run.path)


def test_a_lost_beginning_is_told(sources: dict[str, aq.Run], tmp_path: Path) -> None:
    with killed_at(tmp_path / "run", 1) as callbacks:
        aq.train(CARTPOLE, start_from=sources["dqn"], out=tmp_path / "run", callbacks=callbacks)
    shutil.rmtree(tmp_path / "run" / "checkpoints" / "start")
    with pytest.raises(UserError, match="has no checkpoint start"):
        aq.resume(tmp_path / "run")


def test_from_the_command_line(argmaxq: Command, trained: str, tmp_path: Path) -> None:
    code, out, err = argmaxq("train", *SMALL, "--from", trained, "--from-checkpoint", "last", "--out", "run")
    assert (code, err) == (0, "")
    assert f"begins with all 6 arrays of parameters from {trained}, checkpoint last (step 1,200)\n" in out
    assert json.loads((tmp_path / "run" / "config.json").read_text())["from"]["path"] == trained
    assert argmaxq("evaluate", "run", "--checkpoint", "start", "--episodes", "2")[0] == 0
    code, out, err = argmaxq("train", "frozenlake/q", "--from", trained)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"argmaxq: nothing of {trained}, checkpoint best fits this agent")
    code, out, err = argmaxq("train", *SMALL, "--from-checkpoint", "last")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("argmaxq: checkpoint last of which run?")


def test_nothing_but_biases_is_no_beginning(sources: dict[str, aq.Run], tmp_path: Path) -> None:
    other = aq.replace(idle(RECIPES["dqn"]), "agent.network.hidden", (9,))
    with pytest.raises(UserError, match=r"nothing but biases of .*dqn, checkpoint best fits this agent; fresh: "):
        aq.train(other, out=tmp_path / "run", start_from=sources["dqn"])
    assert not (tmp_path / "run").exists()


def test_another_scale_of_rewards_is_told(sources: dict[str, aq.Run], tmp_path: Path, capsys: Any) -> None:
    scaled, told = aq.replace(idle(RECIPES["dqn"]), "agent.rewards.factor", 0.08), "rewards are times 0.08 in learning"
    with pytest.warns(UserWarning, match=f"{told}, and were times 1 there"):
        aq.train(scaled, out=tmp_path / "quiet", start_from=sources["dqn"])
    aq.train(scaled, out=tmp_path / "said", start_from=sources["dqn"], quiet=False)
    aq.train(idle(RECIPES["dqn"]), out=tmp_path / "alike", start_from=sources["dqn"], quiet=False)
    assert capsys.readouterr().out.count("rewards are") == 1
