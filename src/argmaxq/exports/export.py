"""The verb: what a run has learnt, for use elsewhere."""

from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from argmaxq.components.errors import UserError
from argmaxq.components.registry import near
from argmaxq.exports import hub, numpy_policy, onnx_model, plain
from argmaxq.exports.agreement import Agreement, agreement
from argmaxq.reporting.text import environment
from argmaxq.runs.files.writing import remove, writing
from argmaxq.runs.track import BEST
from argmaxq.verbs.run import Run
from argmaxq.verbs.typical import typical

EXPORTS = "exports"
"""Where in a run's folder its exports lie, unless said otherwise."""
Say = Callable[[str], object]


class Request(NamedTuple):
    """Which checkpoint of one seed's run to export, where to, how many episodes to judge it by, and who is told."""

    run: Run
    whole: Run
    which: str | int
    out: Path
    episodes: int
    say: Say


def export(
    run: Run,
    to: str,
    out: str | Path | None = None,
    *,
    which: str | int = BEST,
    seed: int | None = None,
    episodes: int = 100,
    say: Say = print,
) -> Path:
    """Write the greedy policy of a run for use without argmaxq, and return where it is.

    onnx: a model of preprocessing and network in one file, see ``onnx_model.model_of``; it is compared with the policy
    on random observations. policy: a folder that acts with NumPy alone, for tables, linear features and perceptrons.
    hf: a folder for the Hugging Face Hub, with a model card, which ``aq.load`` gives back.

    Args:
        run: The run; of several seeds it is the median one, and ``say`` is told which.
        to: onnx, policy or hf.
        out: What is written, which must not be there yet; by default in the run's folder, below ``exports``.
        which: The checkpoint: best, last, or that of a step.
        seed: Another seed than the median one.
        episodes: How many the model card's evaluation has.
        say: Is told in a line what was written and how it compares.

    Raises:
        UserError: there is no such export, seed or checkpoint; the policy has no such form; or it cannot be written.
    """
    if to not in TARGETS:
        raise UserError(f"--to {to}: there is no such export: {near(to, TARGETS)}")
    name, target = TARGETS[to]
    chosen = _seed(run, which, seed, say)
    path = Path(out) if out is not None else chosen.path / EXPORTS / name
    if to == "onnx" and path.suffix != ".onnx":
        path = path / name
    _check_new(path)
    target(Request(chosen, run, which, path, episodes, say))
    return path


def _check_new(path: Path) -> None:
    """Raises UserError where something is there already, or nothing could be."""
    try:
        with writing(path), suppress(FileNotFoundError):
            path.lstat()
            raise UserError(f"{path} exists already and is not overwritten: remove it, or choose another --out")
    except UserError:
        raise
    except ValueError as fault:  # a name that holds what no name can, such as a null byte
        raise UserError(f"{str(path)!r}: nothing can be called so ({fault})") from None


def _seed(run: Run, which: str | int, seed: int | None, say: Say) -> Run:
    if seed is None:
        chosen, said = typical(run, which)
        if said:
            say(said)
        return chosen
    parts = [part for part in run.parts if part.seeds == (seed,)]
    if not parts:
        raise UserError(f"{run.path} has no seed {seed}: there are {', '.join(map(str, run.seeds))}")
    return parts[0]


def _onnx(asked: Request) -> None:
    policy = asked.run.policy(asked.which)
    model = onnx_model.model_of(policy, origin(asked.run, asked.which))
    alike = agreement(policy, onnx_model.session_of(model, policy.adaptor))
    onnx_model.save(model, asked.out)
    asked.say(f"{asked.out}: {_said(alike)}")


def _policy(asked: Request) -> None:
    policy = asked.run.policy(asked.which)
    plain.write(plain.made(policy, origin(asked.run, asked.which)), asked.out)
    try:
        alike = agreement(policy, plain.asked(numpy_policy.load(asked.out)))
    except BaseException:
        remove(asked.out)
        raise
    asked.say(f"{asked.out}: {_said(alike)}")


def _hub(asked: Request) -> None:
    hub.write(hub.Shown(asked.run, asked.whole, asked.which), asked.out, asked.episodes, asked.say)
    asked.say(f"{asked.out}: to share it, hf upload OWNER/NAME {asked.out}")


def _said(alike: Agreement) -> str:
    many, apart = alike
    return f"acts as the policy on {many} random observations; its numbers differ by {apart:.0e} of their size at most"


def origin(run: Run, which: str | int) -> dict[str, str]:
    """Where an export comes from."""
    config = run.config
    return {
        "argmaxq": version("argmaxq"),
        "recipe": str(config["name"]),
        "environment": environment(config),
        "seed": str(run.seeds[0]),
        "step": str(run.step(which)),
    }


TARGETS: dict[str, tuple[str, Callable[[Request], None]]] = {
    "onnx": ("policy.onnx", _onnx),
    "policy": ("policy", _policy),
    "hf": ("hf", _hub),
}
