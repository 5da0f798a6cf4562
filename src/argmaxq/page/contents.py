"""What is on a page: of one run, of several."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from argmaxq.page import curves, embedded, explorer, headline, looks, settings
from argmaxq.page.figures import Missing, block, figure, tried
from argmaxq.reporting.curve import load_run
from argmaxq.reporting.finals import final_scores, heading, level_scores
from argmaxq.reporting.text import number
from argmaxq.reporting.verdicts import Comparison, compared
from argmaxq.statistics import interquartile_mean
from argmaxq.studies.entries import Entry, entries_of
from argmaxq.studies.study import Study
from argmaxq.verbs.run import Run
from argmaxq.verbs.typical import typical

PLAYED = ("film", "episode", "pictures", "random")
"""What of a page is played anew: film, episode to look into, pictures of the policy, the random policy's return."""
Say = Callable[[str], object]


def silent(line: str) -> None:
    """Say nothing."""


class Page(NamedTuple):
    """What a template is given."""

    title: str
    template: str
    values: dict[str, Any]


def of_one(run: Run, played: Collection[str] = PLAYED, say: Say = silent) -> Page:
    """The page of one run."""
    random = _played("random", played, say, lambda: headline.random_return(run), "The random policy was not played")
    shown = tried(lambda: typical(run), "No seed stands for all")
    one, which = (run, "") if isinstance(shown, Missing) else shown
    film = _played("film", played, say, lambda: embedded.film(one), "No film")
    episode = _played("episode", played, say, lambda: explorer.explored(one), "No episode to look into")
    pictures = _played("pictures", played, say, lambda: looks.looks(run), "No pictures of the policy")
    health = tried(lambda: curves.health(run.path), "No diagnostics")
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
        "health": health if isinstance(health, Missing) else [figure(each, small=True) for each in health],
        "ranged": not isinstance(health, Missing) and any(each.within for each in health),
        "unmeasured": tried(lambda: curves.unmeasured(run.path), "No diagnostics"),
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


def of_several(sources: Sequence[Run | Study | Missing]) -> Page:
    """The page of several runs and studies: those on one environment beside each other, and what is missing."""
    listed: list[Entry] = []
    gone = [each.why for each in sources if isinstance(each, Missing)]
    there = [each for each in sources if not isinstance(each, Missing)]
    for source in there:
        own = tried(partial(entries_of, source, len(sources) > 1), str(source.path))
        if isinstance(own, Missing):
            gone.append(own.why)
        else:
            listed += [entry._replace(label=_label(entry.label, there)) for entry in own]
    groups: dict[str, list[Entry]] = {}
    for entry in listed:
        groups.setdefault(entry.env, []).append(entry)
    parts = [{"env": env, **_group(own)} for env, own in groups.items()]
    what = "runs" if all(isinstance(each, Run) for each in there) else "runs and settings"
    return Page(f"{len(listed)} {what} compared", "comparison.html", {"groups": parts, "gone": gone})


def _group(listed: Sequence[Entry]) -> dict[str, Any]:
    """Table, verdicts and curves of what is on one environment; what cannot be read is named."""
    kept: list[Entry] = []
    gone: list[str] = []
    for entry in listed:
        read = tried(partial(_read, entry), entry.label)
        if isinstance(read, Missing):
            gone.append(read.why)
        else:
            kept.append(entry)
    folders = {entry.label: entry.folders for entry in kept}
    if not folders:
        return {"found": None, "gone": gone, "curves": None, "said": "", "runs": [], "apart": ""}
    finals, until = level_scores(folders)
    found = compared({label: each.scores for label, each in finals.items()})
    what = next(iter(finals.values())).what
    said = heading(what, until)
    commands = [(entry.label, *settings.command(entry.config)) for entry in kept]
    drawn = tried(lambda: figure(curves.overlaid(folders)), "No curves")
    return {
        "found": found,
        "gone": gone,
        "curves": drawn,
        "said": said[0].upper() + said[1:],
        "runs": commands,
        "apart": _apart(folders, found) if what == "final" else "",
    }


def _apart(folders: Mapping[str, Sequence[Path]], found: Comparison) -> str:
    """That another one is best in training, if one is; empty where both kinds of score agree."""
    judged = max(found.settings, key=lambda each: each.iqm.point)
    trained = {
        label: interquartile_mean(each.scores).point for label, each in final_scores(folders, "training").items()
    }
    best = max(trained, key=lambda label: trained[label])
    if trained[best] <= trained[judged.label]:
        return ""
    values = trained[best], trained[judged.label]
    first, second = (number(value, values) for value in values)
    return (
        f"In training, exploration included, it is {best} that is better ({first} against {second} of {judged.label}); "
        f"greedy, {judged.label} is."
    )


def _read(entry: Entry) -> None:
    """Raise UserError where its scores or curves cannot be read."""
    final_scores({"": entry.folders})
    for folder in entry.folders:
        load_run(folder)


def _label(label: str, among: Sequence[Run | Study]) -> str:
    """A label with its folder's name for the whole of its path, where no other folder is called so."""
    paths = [each.path for each in among]
    path = max((each for each in paths if label.startswith(str(each))), key=lambda each: len(str(each)), default=None)
    if path is None or [each.resolve().name for each in paths].count(path.resolve().name) > 1:
        return label
    return path.resolve().name + label.removeprefix(str(path))


def _played(part: str, played: Collection[str], say: Say, build: Callable[[], Any], what: str) -> Any:
    """A part that is played anew, if it is wanted; None if not."""
    if part not in played:
        return None
    say(f"playing: {part}")
    try:
        return tried(build, what)
    except Exception as problem:  # of the environment, which is the user's
        return Missing(": ".join(filter(None, [what, type(problem).__name__, str(problem)])))


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
