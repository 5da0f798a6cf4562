"""Mutations of a good run folder, each decided by a number alone, and everything that may be done with the outcome."""

import contextlib
import copy
import json
import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import argmaxq as aq
from argmaxq.components.errors import UserError
from argmaxq.reporting.curve import load_run
from argmaxq.reporting.losses import load_losses
from argmaxq.runs import checkpoint
from argmaxq.visualisation.plot import plot
from support.hostile import seal

PLANTED = "fuzz_planted:Planted-v0"
"""An environment in a module that leaves a trace, which no run here has leave to import."""
TEXTS = ["", "x", "../victim", "/etc/passwd", "\x1b[2J", "\ud800", "é", "$\\frac{$", "own", "a" * 5_000, PLANTED]
TEXTS += ["recipe/recipe", "agent/td", "agent/pdqn", "network/table", "stop/never", "LunarLander-v3", "FrozenLake-v1"]
NUMBERS = [0, 1, -1, 2, 7, 2**31 - 1, 2**31, 2**53 + 1, 2**63, 10**30, 10**400, 0.5, -0.0, 1e-300, 1e99, 1e308]
VALUES: list[Any] = [
    *TEXTS,
    *NUMBERS,
    None,
    True,
    False,
    [],
    {},
    [[]],
    [0],
    ["x"],
    {"x": 1},
    {"own": "x"},
    {"type": "x"},
]
FAR = ("steps", "every", "duration", "checkpoint_every", "period", "learning_starts")
"""Fields whose values may be large without costing anything."""
MUCH = 1_000


def nodes(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in JSON data."""
    yield path
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from nodes(value, (*path, key))


def get(data: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


def deep(chance: random.Random) -> Any:
    value: Any = 0
    for _ in range(chance.choice([70, 200, 400])):
        value = [value] if chance.random() < 0.5 else {"x": value}
    return value


def change_json(data: Any, chance: random.Random) -> Any:
    """The data with one to three things changed in it."""
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        every = [path for path in nodes(data) if path]
        if not every:
            return copy.deepcopy(chance.choice(VALUES))
        path = chance.choice(every)
        place, key = get(data, path[:-1]), path[-1]
        kind = chance.randrange(10)
        if kind == 0:
            del place[key]
        elif kind == 1:
            place[key] = copy.deepcopy(get(data, chance.choice(every)))
        elif kind == 2 and isinstance(place, dict):
            place[chance.choice(TEXTS)] = place.pop(key)
        elif kind == 3 and chance.random() < 0.3:
            place[key] = deep(chance)
        else:
            place[key] = copy.deepcopy(chance.choice(VALUES))
    return data


def change_bytes(content: bytes, chance: random.Random) -> bytes:
    """The content cut, flipped, doubled or overwritten somewhere."""
    where, much = chance.randrange(len(content) + 1), chance.choice([1, 1, 3, 50])
    kinds: list[Callable[[], bytes]] = [
        lambda: content[:where],
        lambda: content[:where] + chance.randbytes(much) + content[where + much :],
        lambda: content[:where] + content[where + much :],
        lambda: content[:where] + content[max(0, where - 20) :],
        lambda: (
            content[:where] + chance.choice([b"\xff", b"NaN", b"1e999", b"\n", b"{", b"]" * 2_000]) + content[where:]
        ),
    ]
    return chance.choice(kinds)()


def change_file(path: Path, chance: random.Random) -> None:
    """Change a JSON file, as data or as bytes."""
    content = path.read_bytes()
    if chance.random() < 0.25:
        path.write_bytes(change_bytes(content, chance))
    else:
        path.write_bytes(json.dumps(change_json(json.loads(content), chance)).encode())


def change_records(path: Path, chance: random.Random) -> None:
    """Change a line of a record file, or its bytes."""
    lines = path.read_bytes().splitlines()
    if chance.random() < 0.3 or not lines:
        path.write_bytes(change_bytes(path.read_bytes(), chance))
        return
    which = chance.randrange(len(lines))
    lines[which] = json.dumps(change_json(json.loads(lines[which]), chance)).encode()
    path.write_bytes(b"\n".join(lines) + b"\n")


def change_checkpoint(path: Path, chance: random.Random) -> None:
    """Change a checkpoint's data, its arrays or their header; most often with hashes that are right again."""
    file, arrays = path / "checkpoint.json", path / "arrays.safetensors"
    header = json.loads(file.read_text())
    kind = chance.randrange(4)
    if kind == 0:
        header["meta"] = change_json(header["meta"], chance)
    elif kind == 1:
        arrays.write_bytes(change_bytes(arrays.read_bytes(), chance))
    elif kind == 2:
        content = arrays.read_bytes()
        size = struct.unpack("<Q", content[:8])[0]
        text = json.dumps(change_json(json.loads(content[8 : 8 + size]), chance)).encode()
        arrays.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + size :])
    else:
        change_file(file, chance)
        return
    if chance.random() < 0.9:
        seal(path, header)


def plant_link(run: Path, victim: Path, chance: random.Random) -> None:
    """Put a link to a file or a folder elsewhere in the place of something."""
    there = [path for path in run.rglob("*") if path.suffix != ".partial"]
    names = [chance.choice(there), run / ".lock", run / "curve.png", run / "config.json.partial"]
    place = chance.choice(names)
    aim = victim / "folder" if place.is_dir() else victim / "file"
    if place.exists():
        place.rename(place.with_name("aside"))
    with contextlib.suppress(FileExistsError):
        place.symlink_to(aim)


def change_config_of(run: Path, chance: random.Random) -> None:
    """Change one of the configurations of a run."""
    change_file(chance.choice(sorted(run.rglob("config.json"))), chance)


def change_other_of(run: Path, chance: random.Random) -> None:
    """Change a checkpoint, a record file or a summary of a run."""
    kinds = {"checkpoint.json": change_checkpoint, "*.jsonl": change_records, "summary.json": change_file}
    pattern = chance.choice([*["checkpoint.json"] * 4, *["*.jsonl"] * 2, "summary.json"])
    path = chance.choice(sorted(run.rglob(pattern)))
    kinds[pattern](path.parent if pattern == "checkpoint.json" else path, chance)


def affordable(data: Any, name: str = "") -> bool:
    """Whether nothing in a recipe asks for much memory or time."""
    if isinstance(data, dict):
        return all(affordable(value, key) for key, value in data.items())
    if isinstance(data, list):
        return all(affordable(value, name) for value in data)
    return not isinstance(data, int | float) or name in FAR or abs(data) <= MUCH


def uses(run: Path, chance: random.Random) -> Iterator[Callable[[], object]]:
    """What is done with a run folder: always reading, sometimes drawing, evaluating or resuming, which take longer."""
    yield lambda: aq.Run(run).summary
    yield lambda: [(part.recipe, part.step(), part.step("160")) for part in aq.Run(run).parts]
    yield lambda: [load_run(part.path) for part in aq.Run(run).parts]
    yield lambda: [load_losses(part.path) for part in aq.Run(run).parts]
    yield lambda: checkpoint.latest(run / "checkpoints", print)
    if chance.random() < 0.3:
        yield lambda: plot(aq.Run(run), chance.choice(["curve", "loss", "schedule"]))
    if chance.random() < 0.3:
        yield lambda: aq.report(aq.Run(run), run.parent / "page.html", played=())
    with contextlib.suppress(UserError):
        if affordable([part.config["recipe"] for part in [aq.Run(run), *aq.Run(run).parts]]):
            yield lambda: [part.policy("last") for part in aq.Run(run).parts]
            if chance.random() < 0.5:
                which = chance.choice(["best", "last", "160"])
                yield lambda: [part.evaluate(episodes=1, which=which) for part in aq.Run(run).parts]
            if chance.random() < 0.3:
                yield lambda: aq.resume(run, steps=chance.choice([0, 40]), callbacks=[lambda block: True])


def exercise(run: Path, chance: random.Random) -> int:
    """Do everything with a run folder; only UserErrors, of one line each, may come of it. How many there were."""
    told: list[str] = []
    for use in uses(run, chance):
        try:
            use()
        except UserError as problem:
            told.append(str(problem))
    assert all(line.isprintable() for line in told), told
    return len(told)
