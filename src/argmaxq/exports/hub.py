"""A folder for the Hugging Face Hub: a slim run, a model card whose header carries the evaluation, and a film."""

from collections.abc import Callable
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, StrictUndefined

from argmaxq.components.errors import UserError
from argmaxq.components.registry import type_name
from argmaxq.page.settings import command
from argmaxq.reporting.text import environment
from argmaxq.runs.files.writing import remove, replace
from argmaxq.runs.slim import slim
from argmaxq.verbs.evaluated import Evaluated
from argmaxq.verbs.run import Run
from argmaxq.visualisation.watch import watch

FILM = "film.mp4"
MISSING = "a model card's header needs huggingface_hub, which is not installed: pip install 'argmaxq[hf]'"


class Shown(NamedTuple):
    """What a card is about: one seed's run, the run that it is part of, and which checkpoint."""

    run: Run
    whole: Run
    which: str | int


def write(shown: Shown, out: Path, episodes: int, say: Callable[[str], object]) -> None:
    """Write the folder; ``aq.load`` gives its policy back.

    Raises:
        UserError: the checkpoint is that of a step, the environment is not here, huggingface_hub is not installed, or
            it cannot be written.
    """
    slim(shown.run.path, out, str(shown.which))
    try:
        found = shown.run.evaluate(episodes, which=shown.which)
        head = header(shown, found)
        filmed = _filmed(shown, out / FILM, say)
        replace(out / "README.md", card(shown, found, head, filmed).encode())
    except BaseException:
        remove(out)  # which is half a folder, of nothing but copies
        raise


def header(shown: Shown, found: Evaluated) -> str:
    """The card's header, YAML as the Hub reads it; raises UserError without huggingface_hub."""
    try:
        from huggingface_hub import EvalResult, ModelCardData
    except ImportError:
        raise UserError(MISSING) from None
    name, env = str(shown.run.config["name"]), environment(shown.run.config)
    numbers = found.to_json()
    result = EvalResult(
        task_type="reinforcement-learning",
        task_name="reinforcement-learning",
        dataset_type=env,
        dataset_name=env,
        metric_type="mean_reward",
        metric_name="mean_reward",
        metric_value=f"{numbers['mean']:.2f} +/- {numbers['std']:.2f}",
        metric_args={"episodes": len(found.returns), "policy": "greedy", "seed": 1},
        verified=False,
    )
    tags = [env, "reinforcement-learning", "deep-reinforcement-learning", "argmaxq", name.rpartition("/")[2]]
    data: Any = ModelCardData(
        library_name="argmaxq",
        pipeline_tag="reinforcement-learning",
        tags=list(dict.fromkeys(tags)),
        model_name=name,
        eval_results=[result],
    )
    return str(data.to_yaml()).strip()


def card(shown: Shown, found: Evaluated, head: str, filmed: bool) -> str:
    """The model card, Markdown."""
    words, note = command(shown.whole.config)
    numbers = found.to_json()
    text = files("argmaxq.exports").joinpath("assets", "card.md").read_text(encoding="utf-8")
    layout = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    return layout.from_string(text).render(
        header=head,
        name=shown.run.config["name"],
        environment=environment(shown.run.config),
        version=version("argmaxq"),
        policy=type_name(type(shown.run.policy(shown.which).agent)),
        step=f"{shown.run.step(shown.which):,}",
        film=filmed,
        episodes=len(found.returns),
        mean=f"{numbers['mean']:.2f}",
        std=f"{numbers['std']:.2f}",
        least=f"{numbers['min']:.2f}",
        greatest=f"{numbers['max']:.2f}",
        random=f"{found.random:.2f}",
        cut=found.cut,
        which=shown.which,
        command=words,
        note=note,
        seed=shown.run.seeds[0],
        seeds=len(shown.whole.seeds),
    )


def _filmed(shown: Shown, path: Path, say: Callable[[str], object]) -> bool:
    """Whether there is a film; environments without pictures have none."""
    try:
        watch(shown.run, path, which=shown.which, say=lambda line: None)
    except UserError as reason:
        say(f"no film: {reason}")
        return False
    return True
