"""A page of a run, or of several: what is on it, and the file that holds it."""

import base64
import hashlib
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from argmaxq.components.errors import UserError
from argmaxq.page import curves, embedded, explorer, headline, looks, settings
from argmaxq.page.figures import Missing, block, figure, tried
from argmaxq.reporting.finals import SAID, final_scores
from argmaxq.reporting.text import environment
from argmaxq.reporting.verdicts import compared
from argmaxq.runs.writing import replace, writing
from argmaxq.verbs.run import Run
from argmaxq.verbs.typical import typical

PLAYED = ("film", "episode", "pictures", "random")
"""What of a page is played anew: film, episode to look into, pictures of the policy, the random policy's return."""
SIGN = '<meta name="generator" content="argmaxq">'
SUFFIXES = (".html", ".htm")
EVERY = 5
"""Seconds after which a page that follows a training loads itself again."""


class Page(NamedTuple):
    """What a template is given."""

    title: str
    template: str
    values: dict[str, Any]


def report(
    runs: Run | Sequence[Run],
    out: str | Path | None = None,
    *,
    played: Collection[str] = PLAYED,
    live: bool = False,
    say: Callable[[str], object] = lambda _: None,
) -> Path:
    """Write a page of one run, or of several beside each other; by default ``RUN/page.html``, of several ``page.html``.

    The file needs nothing else: no network, no server; to be read, no script either. An earlier page in its place is
    replaced. What cannot be shown is said on it.

    Args:
        runs: One run, or several.
        out: The file, .html.
        played: Which of ``PLAYED`` are played for it; of several runs none is.
        live: Whether an open page is to load itself again every few seconds.
        say: Is told what takes its time.

    Raises:
        UserError: another suffix, an unknown part, a file that is not to be overwritten, or one that cannot be written.
    """
    found = [runs] if isinstance(runs, Run) else list(runs)
    if unknown := [each for each in played if each not in PLAYED]:
        raise UserError(f"there is no {unknown[0]!r} to play: {', '.join(PLAYED)}, or none")
    path = Path(out) if out is not None else found[0].path / "page.html" if len(found) == 1 else Path("page.html")
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"{path}: a page's name must end in .html")
    _check_ours(path)
    page = of_one(found[0], played, say) if len(found) == 1 else of_several(found)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, written(page, live).encode(errors="replace"))  # a name may hold half of a surrogate pair
    return path


def of_one(run: Run, played: Collection[str] = PLAYED, say: Callable[[str], object] = lambda _: None) -> Page:
    """The page of one run."""
    random = _played("random", played, say, lambda: headline.random_return(run), "The random policy was not played")
    shown = tried(lambda: typical(run), "No seed stands for all")
    one, which = (run, "") if isinstance(shown, Missing) else shown
    film = _played("film", played, say, lambda: embedded.film(one), "No film")
    episode = _played("episode", played, say, lambda: explorer.explored(one), "No episode to look into")
    pictures = _played("pictures", played, say, lambda: looks.looks(run), "No pictures of the policy")
    command, note = settings.command(run.config)
    values = {
        "chips": headline.chips(run.config),
        "path": str(run.path),
        "command": command,
        "command_note": note,
        "state": tried(lambda: _state(run), "Its summary"),
        "cards": tried(lambda: headline.cards(run), "Its figures"),
        "ruler": tried(lambda: headline.ruler(run, random if isinstance(random, float) else None), "Its figures"),
        "random": random if isinstance(random, Missing) else None,
        "learning": tried(lambda: figure(curves.learning(run.path)), "No curve"),
        "health": tried(lambda: [figure(each, small=True) for each in curves.health(run.path)], "No diagnostics"),
        "schedules": tried(lambda: [figure(each, small=True) for each in curves.schedules(run.path)], "No schedules"),
        "film": film,
        "episode": episode,
        "episode_figure": figure(episode.chart) if isinstance(episode, explorer.Explorer) and episode.chart else None,
        "episode_data": block(episode.data) if isinstance(episode, explorer.Explorer) else None,
        "pictures": pictures,
        "which": which,
        "tree": tried(lambda: settings.tree(run.config), "Its configuration"),
        "base": settings.base_of(run.config)[1],
        "changes": [(each.get("step", 0), sorted(each.get("values", {}))) for each in run.config.get("changes", [])],
        "versions": {**run.config.get("versions", {}), **_machine(run)},
    }
    return Page(str(run.config["name"]), "run.html", values)


def of_several(runs: Sequence[Run]) -> Page:
    """The page of several runs: those on one environment beside each other."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(environment(run.config), []).append(run)
    parts = [{"env": env, **_group(own)} for env, own in groups.items()]
    return Page(f"{len(runs)} runs compared", "comparison.html", {"groups": parts})


def _group(runs: Sequence[Run]) -> dict[str, Any]:
    """Table, verdicts and curves of runs on one environment; those without scores are named."""
    kept: list[Run] = []
    gone: list[str] = []
    for run in runs:
        score = tried(partial(final_scores, {"": run.path}), str(run.path))
        if isinstance(score, Missing):
            gone.append(score.why)
        else:
            kept.append(run)
    folders = {_label(run, runs): run.path for run in kept}
    if not folders:
        return {"found": None, "gone": gone, "curves": None, "said": "", "runs": []}
    finals = final_scores(folders)
    found = compared({label: each.scores for label, each in finals.items()})
    said = SAID[next(iter(finals.values())).what]
    listed = [(label, *settings.command(run.config)) for label, run in zip(folders, kept, strict=True)]
    drawn = tried(lambda: figure(curves.overlaid(folders)), "No curves")
    return {"found": found, "gone": gone, "curves": drawn, "said": said[0].upper() + said[1:], "runs": listed}


def _label(run: Run, among: Sequence[Run]) -> str:
    """A run's folder, by its name where no other's is the same."""
    name = run.path.resolve().name
    return name if [each.path.resolve().name for each in among].count(name) == 1 else str(run.path)


def _played(
    part: str, played: Collection[str], say: Callable[[str], object], build: Callable[[], Any], what: str
) -> Any:
    """A part that is played anew, if it is wanted; None if not."""
    if part not in played:
        return None
    say(f"playing: {part}")
    return tried(build, what)


def _state(run: Run) -> str:
    """What must be known of a run that is not finished."""
    summary, steps = run.summary, run.config["recipe"]["steps"]
    if summary.get("finished"):
        diverged = [seed["seed"] for seed in summary.get("seeds", []) if seed.get("stopped") == "diverged"]
        return f"Seed {', '.join(map(str, diverged))} diverged." if diverged else ""
    return f"Not finished: the page shows what is recorded of {steps:,} steps so far."


def _machine(run: Run) -> dict[str, str]:
    machine = run.config.get("machine", {})
    return {name: str(machine[name]) for name in ("system", "processor", "cores") if name in machine}


def written(page: Page, live: bool = False) -> str:
    """The page as HTML, with a policy that lets nothing in from elsewhere, and runs no other script than its own."""
    style, script = (asset(name) for name in ("style.css", "script.js"))
    sources = {name: f"'sha256-{_digest(text)}'" for name, text in (("style", style), ("script", script))}
    policy = (
        f"default-src 'none'; style-src {sources['style']}; script-src {sources['script']}; img-src data:; "
        "media-src data:; base-uri 'none'; form-action 'none'"
    )
    environment = Environment(
        autoescape=True, loader=FunctionLoader(asset), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.tests["missing"] = lambda value: isinstance(value, Missing)
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    given = {"style": trusted(style), "script": trusted(script), "policy": policy, "live": EVERY * live, "now": now}
    return environment.get_template(page.template).render(**given, title=page.title, **page.values)


def trusted(text: str) -> Markup:
    """An asset of ours, which stands in the page as it is, or else its hash would be another one's."""
    return Markup(text)


def asset(name: str) -> str:
    """A file of this room's own."""
    return files("argmaxq.page").joinpath("assets", name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _check_ours(path: Path) -> None:
    """Refuse to replace what is no page of ours."""
    if path.exists() and SIGN.encode() not in path.read_bytes()[:600]:
        raise UserError(f"{path} exists and is no page of argmaxq's: remove it or choose another --out")
