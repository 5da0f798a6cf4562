"""A run folder received from someone else is data: it writes nowhere else, and whatever it holds is told in a line."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import argmaxq as aq
from argmaxq.components.errors import UserError
from argmaxq.runs import checkpoint
from argmaxq.visualisation.plot import plot
from support.commands import Command
from support.hostile import SMALLEST, change_config, change_meta, change_value, copied, states, untouched
from support.runs import crashed


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was killed between two checkpoints, and is only copied."""
    path = tmp_path_factory.mktemp("hostile") / "run"
    return crashed(SMALLEST, path, 120).path


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two seeds in turn."""
    return aq.train(SMALLEST, seeds=2, engine="host", out=tmp_path_factory.mktemp("hostile") / "pair").path


def victim(tmp_path: Path, name: str = "file") -> Path:
    """What must not be touched, in a folder of its own."""
    folder = tmp_path / "victim"
    folder.mkdir()
    (folder / "file").write_text("precious\n" * 400)
    return folder / name


FILES = [".lock", "metrics.jsonl", "episodes.jsonl", "evaluations.jsonl", "times.jsonl"]
REPLACED = [
    "config.json",
    "summary.json",
    "curve.png",
    "config.json.partial",
    "summary.json.partial",
    "curve.png.partial",
]


@pytest.mark.parametrize("name", [*FILES, *REPLACED])
@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_no_link_is_written_through(name: str, link: Callable[..., None], original: Path, tmp_path: Path) -> None:
    run, foreign = copied(original, tmp_path / "run"), victim(tmp_path)
    content = (run / name).read_bytes() if (run / name).exists() else b""
    if content:
        foreign.write_bytes(content)  # so that nothing but the link is amiss
        (run / name).unlink()
    link(foreign, run / name)
    with untouched(foreign.parent):
        if name in FILES:
            with pytest.raises(
                UserError, match=re.escape(name) + " (cannot be written: it is a link|has another name)"
            ):
                aq.resume(run)
        else:
            assert aq.resume(run, steps=40).summary["finished"]


@pytest.mark.parametrize(
    "name", ["checkpoints", "checkpoints/last.partial", "checkpoints/best.old", "checkpoints/last"]
)
def test_no_linked_folder_is_written_in_or_emptied(name: str, original: Path, tmp_path: Path) -> None:
    run, foreign = copied(original, tmp_path / "run"), victim(tmp_path, "folder")
    if (run / name).exists():
        (run / name).rename(foreign)
    else:
        foreign.mkdir()
        (foreign / "thesis.txt").write_text("years")
    (run / name).symlink_to(foreign)
    with untouched(foreign.parent):
        if name == "checkpoints":
            with pytest.raises(UserError, match="checkpoints is a link, and nothing is written through one"):
                aq.resume(run)
        else:
            assert aq.resume(run).summary["finished"]


def test_no_linked_seed_is_written_in(pair: Path, tmp_path: Path) -> None:
    run, foreign = copied(pair, tmp_path / "run"), victim(tmp_path, "seed")
    (run / "seed-1").rename(foreign)
    (run / "seed-1").symlink_to(foreign)
    with untouched(foreign.parent), pytest.raises(UserError, match="seed-1 is a link, which is not followed"):
        aq.resume(run, steps=40)


def test_a_picture_replaces_a_link(original: Path, tmp_path: Path) -> None:
    run, foreign = copied(original, tmp_path / "run"), victim(tmp_path)
    (run / "loss.png").symlink_to(foreign)
    with untouched(foreign.parent):
        assert plot(aq.Run(run), "loss").read_bytes().startswith(b"\x89PNG")


NAMES = [[0, "z/../../victim"], ["../victim"], [0, 0], [-1], [2**31], [True], [0.0], [], "0", None, [[0]], {"0": 0}]


@pytest.mark.parametrize("seeds", NAMES, ids=lambda seeds: str(seeds)[:20])
def test_seeds_lead_nowhere(seeds: Any, original: Path, tmp_path: Path) -> None:
    run, foreign = copied(original, tmp_path / "run"), victim(tmp_path)
    copied(original, foreign.parent / "run")
    change_config(run, lambda config: config.update(seeds=seeds))
    with untouched(tmp_path), pytest.raises(UserError, match=r"config.json.seeds"):
        aq.resume(run)


CONFIGS: dict[str, Any] = {
    "name": [3, None, "a\nb", "\x1b[2J", "\ud800", ["x"]],
    "engine": ["gpu", None, 1, ["host"]],
    "id": ["", "../x", 5, None, "A" * 32],
    "proof": ["é" * 64, 1, ""],
    "part_of": [1, ["x"], "\x07"],
    "device_asked": [1, ["cpu"], "\x00"],
    "device": [None, "cpu", {"platform": "cpu"}, {"platform": 1, "kind": "x"}],
    "versions": [None, 1, []],
    "machine": [None, 1, "x"],
    "recipe": [None, [], {}, "dqn", {"type": "recipe/recipe"}],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in CONFIGS.items() for value in values])
def test_every_field_of_a_configuration_is_checked(field: str, value: Any, original: Path, tmp_path: Path) -> None:
    run = copied(original, tmp_path / "run")
    change_config(run, lambda config: config.update({field: value}))
    with pytest.raises(UserError, match=rf"config.json.{field}") as problem:
        aq.Run(run)
    assert str(problem.value).isprintable()


RECIPES: dict[str, Any] = {
    "type": ["os/system", "agent/dqn", None, 3],
    "steps": [10**400, -1, "many", None, True, 1e99],
    "env.id": [None, 3, ["x"], {"own": 3}, {"own": "x", "more": 1}, "a:b:c", ":x", ".a:b", "a b:c", "\x1b:x"],
    "env.lanes": [10**400, 0, "x", None],
    "env.kwargs": [None, 3, [], "x"],
    "agent": [None, 3, {"type": "stop/never"}, {"type": ["x"]}],
    "agent.gamma": [10**400, -(10**400), 2, "x", None, [1]],
    "agent.network.hidden": [10**400, [10**400], [0], ["x"], [[1]], {"a": 1}],
    "evaluation": [None, [], {"type": "stop/never"}],
    "stop": [None, {"type": "x"}, {}, 3],
}


@pytest.mark.parametrize(("path", "value"), [(path, value) for path, values in RECIPES.items() for value in values])
def test_every_field_of_a_recipe_is_checked(path: str, value: Any, original: Path, tmp_path: Path) -> None:
    run = copied(original, tmp_path / "run")

    change_value(run, f"recipe.{path}", value)
    with pytest.raises(UserError) as problem:
        aq.Run(run).recipe  # noqa: B018
    assert str(problem.value).isprintable()


def test_a_compiled_run_of_what_cannot_be_compiled_is_one_line(original: Path, tmp_path: Path) -> None:
    run = copied(original, tmp_path / "run")
    change_value(run, "recipe.env.backend", "processes")
    with pytest.raises(UserError, match="no compiled form here"):
        aq.resume(run, steps=40)


TEXTS = {
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "rather deep": b'{"a":' * 500 + b"1" + b"}" * 500,
    "not a number": b'{"name": NaN}',
    "infinite": b'{"name": 1e999}',
    "digits": b'{"name": ' + b"9" * 5_000 + b"}",
    "not UTF-8": b'{"name": "\xff\xfe"}',
    "empty": b"",
    "zeros": bytes(1_000),
    "a list": b"[1, 2]",
    "a number": b"7",
}


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("name", ["config.json", "summary.json", "checkpoints/best/checkpoint.json"])
def test_text_that_is_no_sane_json_is_one_line(text: str, name: str, original: Path, tmp_path: Path) -> None:
    run = copied(original, tmp_path / "run")
    (run / name).write_bytes(TEXTS[text])
    with pytest.raises(UserError) as problem:
        _ = aq.Run(run).summary, aq.load(run)
    assert Path(name).name in str(problem.value)
    assert str(problem.value).isprintable()


@pytest.mark.parametrize("text", [text for text in TEXTS if text != "empty"])
@pytest.mark.parametrize("kind", ["episodes", "metrics"])
def test_records_that_are_no_sane_json_are_one_line(text: str, kind: str, original: Path, tmp_path: Path) -> None:
    run = copied(original, tmp_path / "run")
    (run / f"{kind}.jsonl").write_bytes(TEXTS[text] + b"\n")
    with pytest.raises(UserError, match=rf"{kind}.jsonl, line 1"):
        plot(aq.Run(run), "curve" if kind == "episodes" else "loss", tmp_path / "picture.png")


ROWS = [{"step": "x"}, {"step": None}, {"step": -1}, {"step": True}, {"step": 1.5}, {"return": "x"}, {"return": [1]}]
ROWS += [{"return": 10**300}, {"return": True}, {"loss": "x"}, {"loss": {}}]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_columns_that_are_drawn_are_checked(row: dict[str, Any], original: Path, tmp_path: Path) -> None:
    run = copied(original, tmp_path / "run")
    kind, what = ("metrics", "loss") if "loss" in row else ("episodes", "curve")
    with (run / f"{kind}.jsonl").open("a") as file:
        file.write(json.dumps({"step": 200, "return": 1.0, "loss": 1.0} | row) + "\n")
    with pytest.raises(UserError, match=rf"{kind}.jsonl, line \d+: {next(iter(row))} is no"):
        plot(aq.Run(run), what, tmp_path / "picture.png")


SUMMARIES: dict[str, Any] = {
    "finished": ["yes", None, 1],
    "step": [-1, None, "x", 1.5],
    "seeds": [None, {}, [1], [{}], [{"seed": 0}]],
    "training_seconds": ["x", None, [1]],
}


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in SUMMARIES.items() for value in values]
)
def test_every_field_of_a_summary_is_checked(field: str, value: Any, original: Path, tmp_path: Path) -> None:
    run = copied(original, tmp_path / "run")
    data = json.loads((run / "summary.json").read_text())
    (run / "summary.json").write_text(json.dumps(data | {field: value}))
    with untouched(run), pytest.raises(UserError, match=r"summary\.json"):
        aq.Run(run).summary  # noqa: B018


METAS: dict[str, Any] = {
    "iteration": [-1, None, "x", 1.5],
    "seconds": ["x", None],
    "engine": [None, [], 3],
    "tracks": [None, [], {}, [1], [{}], [{}, {}]],
    "run": [None, "0" * 32, 3],
    "seeds": [None, [], [5], [0, 1], ["x"]],
}
TRACKS: dict[str, Any] = {
    "seed": [9, None, "0"],
    "step": [-1, None, "x"],
    "returns": [None, ["x"], [None], [1.0] * 101, 3],
    "over": [None, 3, []],
    "best": [3, {}, {"step": 0}, {"step": 0, "mean": "x"}],
    "records": [None, [], {"episodes": -5}, {"episodes": 1.5}, {"episodes": 10**9}, {"episodes": "x"}],
}


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, vs in METAS.items() for v in vs])
def test_what_a_state_says_of_itself_is_checked(field: str, value: Any, original: Path, tmp_path: Path) -> None:
    run = copied(original, tmp_path / "run")
    for path in states(run):
        change_meta(path, lambda meta: meta.update({field: value}))
    with pytest.raises(UserError, match=r"step-0000"):
        aq.resume(run)


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, vs in TRACKS.items() for v in vs])
def test_what_a_state_says_of_a_seed_is_checked(field: str, value: Any, original: Path, tmp_path: Path) -> None:
    run = copied(original, tmp_path / "run")
    for path in states(run):
        change_meta(path, lambda meta: meta["tracks"][0].update({field: value}))
    records = [(run / f"{kind}.jsonl") for kind in ("episodes", "metrics", "times")]
    before = [path.read_bytes() for path in records]
    with pytest.raises(UserError, match=r"step-0000|episodes.jsonl"):
        aq.resume(run)
    assert [path.read_bytes() for path in records] == before


@pytest.mark.parametrize(
    "value", [None, 3, [], {"lanes": {}}, {"seed": 0}, {"seed": "x", "count": 0, "lanes": {"0": {}}}]
)
def test_what_an_environment_saved_is_checked(value: Any, pair: Path, tmp_path: Path) -> None:
    run = copied(pair, tmp_path / "run")
    for seed in (0, 1):
        for path in states(run / f"seed-{seed}"):
            change_meta(path, lambda meta: meta.update(engine=value))
    with pytest.raises(UserError, match=r"step-0000"):
        aq.resume(run, steps=40)


def test_arrays_of_other_shapes_are_one_line(original: Path, tmp_path: Path) -> None:
    run = copied(original, tmp_path / "run")
    place = run / "checkpoints"
    arrays, meta = checkpoint.load(place / "best")
    for name in arrays:
        checkpoint.save(place, "best", arrays | {name: np.zeros((3, 3))}, meta)
        with pytest.raises(UserError, match="do not fit"):
            aq.load(run)
    checkpoint.save(place, "best", {}, meta)
    with pytest.raises(UserError, match="do not fit"):
        aq.load(run)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@pytest.mark.parametrize(
    "name", ["config.json", "summary.json", "episodes.jsonl", "checkpoints/best/checkpoint.json", ".lock"]
)
def test_a_pipe_is_not_waited_for(name: str, original: Path, tmp_path: Path) -> None:
    run = copied(original, tmp_path / "run")
    (run / name).unlink(missing_ok=True)
    os.mkfifo(run / name)
    with pytest.raises(UserError, match=r"is no ordinary file|cannot be written"):
        plot(aq.Run(run), "curve", tmp_path / "picture.png"), aq.load(run), aq.resume(run)


def test_a_name_is_no_formula(original: Path, tmp_path: Path) -> None:
    run = copied(original, tmp_path / "run")
    change_config(run, lambda config: config.update(name=r"x/$\frac{$"))
    for what in ("curve", "schedule"):
        assert plot(aq.Run(run), what).is_file()


def test_the_command_line_says_it_in_one_line(argmaxq: Command, original: Path, tmp_path: Path) -> None:
    run = copied(original, tmp_path / "run")
    change_config(run, lambda config: config.update(seeds=[0, "z/../../victim"]))
    for words in (["evaluate"], ["resume"], ["plot"], ["watch", "--video", "a.gif"]):
        code, out, err = argmaxq(*words[:1], str(run), *words[1:])
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert err.startswith(f"argmaxq: {run}/config.json.seeds[1] = 'z/../../victim': a whole number")
