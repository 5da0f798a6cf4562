"""What the files of a run folder hold, as far as anything here relies on it."""

from pathlib import Path
from typing import Any

from argmaxq.recipes.stop import RECENT
from argmaxq.runs import blocks, changes, spaces
from argmaxq.runs.files.shapes import (
    Shape,
    each,
    entries,
    fields,
    is_number,
    matching,
    number,
    optional,
    refuse,
    table,
    text,
    truth,
    whole,
)

COUNT = whole()
SEED = whole(0, 2**31 - 1)
IDENTITY = matching(r"[0-9a-f]{32}", "32 hexadecimal digits")
PROOF = matching(r"[0-9a-f]{64}", "64 hexadecimal digits")


def _environment(value: Any, where: str) -> None:
    """An environment's id, or how an object of the user's own prints."""
    text(value["own"] if isinstance(value, dict) and value.keys() == {"own"} else value, where)


def _different(value: Any, where: str) -> None:
    """Seeds, each once."""
    each(SEED, least=1)(value, where)
    if len(set(value)) < len(value):
        refuse(value, where, "a list of different seeds")


def _typed(value: Any, where: str) -> None:
    """A component, whatever its fields are."""
    fields({"type": text})(value, where)


FROM = "from"
"""Where a configuration says which run's network it began with."""
SLIM = "slim"
"""Where the configuration of a slim copy says which policy it holds."""
CONFIG = fields(
    {
        "name": text,
        "engine": matching("compiled|host", "compiled or host"),
        "seeds": _different,
        "device": fields({"platform": text, "kind": text}),
        "recipe": fields({"type": text, "env": fields({"id": _environment}), "steps": number, "stop": _typed}),
    },
    {
        "id": IDENTITY,
        "proof": PROOF,
        "device_asked": optional(text),
        "part_of": text,
        "study": text,
        "stretches": each(each(COUNT, 2, 2), least=1),
        "versions": table,
        "machine": table,
        "spaces": spaces.shape,
        "changes": changes.shape,
        SLIM: matching("best|last|start", "best, last or start"),
        FROM: fields({"path": text, "checkpoint": text, "seeds": each(SEED), "steps": each(COUNT)}),
    },
)
"""``config.json``. ``id`` is the run's own, also in its seeds' folders and checkpoints; see ``trust`` for ``proof``."""

BEST = fields({"step": COUNT, "mean": number}, {"cut": COUNT, "of_selecting_evaluations": COUNT})
SUMMARY = fields(
    {
        "finished": truth,
        "step": COUNT,
        "steps": COUNT,
        "training_seconds": number,
        "steps_per_second": number,
        "seeds": each(
            fields(
                {
                    "seed": SEED,
                    "step": COUNT,
                    "episodes": COUNT,
                    "best": optional(BEST),
                    "stopped": optional(text),
                    "solved_at": optional(COUNT),
                },
                {
                    "mean_return": number,
                    "updates": COUNT,
                    "learnt_until": optional(COUNT),
                    "final_evaluation": optional(number),
                    "confirmed": optional(truth),
                },
            )
        ),
    }
)
"""``summary.json``."""

OWNER = {"run": optional(IDENTITY), "seeds": each(SEED, least=1)}
POLICY = fields({"step": COUNT}, OWNER)
"""What the checkpoint of a policy says of itself."""
TRACK = fields(
    {
        "seed": SEED,
        "step": COUNT,
        "episodes": COUNT,
        "returns": each(number, most=RECENT),
        "over": text,
        "solved_at": optional(COUNT),
        "best": optional(BEST),
        "best_policy_at": COUNT,
        "records": fields({}, dict.fromkeys(("metrics", "episodes", "evaluations", "times"), COUNT)),
    },
    {
        "updates": COUNT,
        "learnt_until": optional(COUNT),
        "evaluations": COUNT,
        "evaluated_at": optional(COUNT),
        "evaluation": optional(number),
        "confirmed": optional(truth),
    },
)
STATE = fields(
    {"iteration": COUNT, "seconds": number, "steps": COUNT, "engine": table, "tracks": each(TRACK, least=1)},
    OWNER | {"begun": COUNT, "changes": COUNT, "members": each(COUNT, least=1)},
)
"""What the checkpoint of a whole run says of itself."""
HEADER = fields(
    {"bytes": COUNT, "sha256": text, "meta_sha256": text, "meta": table},
    {"index": entries(blocks.INDEX), "index_sha256": text},
)

STEPS = ("step", "episode", "episodes", "updates", "length")
"""Columns of the records that are whole numbers, and never missing."""


def row_fault(row: dict[str, Any], columns: tuple[str, ...]) -> str:
    """What is wrong with a record in these columns; empty where nothing is. Others than steps may be missing."""
    for name in columns:
        value = row.get(name)
        if name in STEPS and not (type(value) is int and 0 <= value <= 2**53):
            return f"{name} is no whole number"
        if value is not None and not is_number(value):
            return f"{name} is no number"
    return ""


def checked(shape: Shape, value: Any, file: Path) -> Any:
    """What a file holds, if it has that shape; raises UserError."""
    shape(value, str(file))
    return value
