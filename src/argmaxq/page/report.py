"""A page of a run, of a study, or of several: the file that holds it."""

import base64
import hashlib
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from argmaxq.components.errors import UserError
from argmaxq.page.contents import PLAYED, Page, Say, of_one, of_several, silent
from argmaxq.page.figures import Missing
from argmaxq.page.studies.contents import of_study
from argmaxq.runs.files.writing import replace, writing
from argmaxq.studies.study import Study
from argmaxq.verbs.run import Run

SIGN = '<meta name="generator" content="argmaxq">'
SUFFIXES = (".html", ".htm")
EVERY = 5
"""Seconds after which a page that follows a training loads itself again."""


def report(
    runs: Run | Study | Sequence[Run | Study | Missing],
    out: str | Path | None = None,
    *,
    played: Collection[str] = PLAYED,
    live: bool = False,
    say: Say = silent,
) -> Path:
    """Write a page of a run, of a study, or of several beside each other.

    The file needs nothing else: no network, no server; to be read, no script either. An earlier page in its place is
    replaced. What cannot be shown is said on it.

    Args:
        runs: A run or a study, or several; of several one may be ``Missing``, which is said.
        out: The file, .html; by default ``page.html`` in the run's or study's folder, of several in the current one.
        played: Which of ``PLAYED`` are played for it; of several runs, and of a study, none is.
        live: Whether an open page is to load itself again every few seconds.
        say: Is told what takes its time.

    Raises:
        UserError: another suffix, an unknown part, a file that is not to be overwritten, or one that cannot be written.

    Examples:
        >>> aq.report(aq.Run("runs/cliff"), played=()).name
        'page.html'
    """
    found = [runs] if isinstance(runs, Run | Study) else list(runs)
    if unknown := [each for each in played if each not in PLAYED]:
        raise UserError(f"there is no {unknown[0]!r} to play: {', '.join(PLAYED)}, or none")
    folder = found[0].path if len(found) == 1 and not isinstance(found[0], Missing) else Path()
    path = Path(out) if out is not None else folder / "page.html"
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"{path}: a page's name must end in .html")
    _check_ours(path)
    page = _page(found, path, played, say)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, written(page, live).encode(errors="replace"))  # a name may hold half of a surrogate pair
    return path


def _page(found: Sequence[Run | Study | Missing], path: Path, played: Collection[str], say: Say) -> Page:
    if len(found) == 1 and isinstance(found[0], Run):
        return of_one(found[0], played, say)
    return of_study(found[0], path) if len(found) == 1 and isinstance(found[0], Study) else of_several(found)


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
    with writing(path):
        if path.exists() and (path.is_dir() or SIGN.encode() not in path.read_bytes()[:600]):
            raise UserError(f"{path} exists and is no page of argmaxq's: remove it or choose another --out")
