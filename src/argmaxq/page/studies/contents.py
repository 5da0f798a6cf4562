"""What is on the page of a study."""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from argmaxq.page import settings
from argmaxq.page.contents import Page
from argmaxq.page.figures import figure
from argmaxq.page.headline import Card
from argmaxq.page.studies.curves import curves, profiles
from argmaxq.page.studies.effects import Effect, effects
from argmaxq.page.studies.heat import maps
from argmaxq.page.studies.loaded import RECIPE, Cell, Group, Member, cells, groups
from argmaxq.page.studies.paper import paper
from argmaxq.reporting.finals import heading
from argmaxq.reporting.text import counted
from argmaxq.reporting.verdicts import Comparison, compared, interval
from argmaxq.studies.labels import short_names
from argmaxq.studies.study import Study

MOST, NAMED = 20, 4
"""Faults that are told one by one, and settings that are named in a sentence."""


class Link(NamedTuple):
    """A run's folder as a link, what it is called and how it ended."""

    to: str
    text: str
    state: str


def of_study(study: Study, page: Path) -> Page:
    """The page of a study that will lie at ``page``: what can be read of it, and what cannot."""
    every, names = cells(study), {RECIPE: "recipe", **short_names(study.vary)}
    parts = groups(every, names)
    found = [compared({cell.label: cell.scores for cell in group.cells}) for group in parts]
    command, note = _command(study, every)
    values = {
        "chips": _chips(study, parts),
        "state": _state(every),
        "faults": _faults(every),
        "command": command,
        "command_note": note,
        "paper": paper(parts, found, names),
        "groups": [_group(group, own, names) for group, own in zip(parts, found, strict=True)],
        "runs": [(cell.label, [_link(each, page) for each in cell.members]) for cell in every],
        "path": str(study.path),
    }
    return Page(study.path.resolve().name, "study.html", values)


def _group(group: Group, found: Comparison, names: Mapping[str, str]) -> dict[str, Any]:
    by_label = {each.label: each for each in found.settings}
    ranked = sorted(group.cells, key=lambda cell: -by_label[cell.label].iqm.point)
    told, lines, said = effects(group, names), curves(group, names), heading(group.what, group.until)
    effective = [each.axis for each in told]
    order = [*effective, *(axis for axis in group.axes if axis not in effective)]
    return {
        "env": group.env,
        "found": found,
        "best": ranked[0].label,
        "standing": standing(found),
        "cards": _cards(found, ranked, told, names),
        "curves": [figure(each, small=lines.small) for each in lines.charts],
        "curves_note": lines.note,
        "small": lines.small,
        "effects": [(each.words, figure(each.chart, small=True)) for each in told],
        "maps": maps(group, order, by_label, names),
        "axes": [names[axis] for axis in order],
        "profiles": figure(profiles(group, ranked)) if min(len(each.scores) for each in ranked) > 1 else None,
        "said": said[0].upper() + said[1:],
    }


def standing(found: Comparison) -> str:
    """What is true of the best setting beside the others, in words."""
    behind, alike = ([each for each in found.verdicts if each.sure is sure] for sure in (True, False))
    if not found.verdicts:
        return "is the only setting with scores."
    if not alike:
        return f"is better than {'all others' if len(behind) > 1 else behind[0].other}, and that is sure."
    more = f" and {len(alike) - NAMED} more" * (len(alike) > NAMED)
    some = "; ".join(each.other for each in alike[:NAMED]) + more
    ahead = f"surely better than {len(behind)} of {len(found.verdicts)} others" if behind else "ahead of all others"
    return f"is {ahead}, but it cannot be told apart yet from: {some}."


def _cards(found: Comparison, ranked: Sequence[Cell], told: Sequence[Effect], names: Mapping[str, str]) -> list[Card]:
    best = next(each for each in found.settings if each.label == ranked[0].label)
    score, _, ends = interval(best.iqm).partition(" ")
    seeds = counted(len(best.scores), "seed")
    cards = [Card("interquartile mean of the best", score, f"{ends + ', ' if ends else ''}{seeds}: {best.label}")]
    if found.verdicts:
        sure = sum(each.sure for each in found.verdicts)
        next_best = next(each for each in found.verdicts if each.other == ranked[1].label)
        seeds = f"{next_best.needed:,} seeds each would be needed to be sure of {next_best.target:,g} against the next"
        cards.append(Card("surely better than", f"{sure} of {len(found.verdicts)}", seeds * bool(next_best.needed)))
    if len(told) > 1:
        cards.append(
            Card(
                "matters most" if told[0].difference.low > 0 else "seems to matter most",
                names[told[0].axis],
                told[0].words,
            )
        )
    return cards


def _chips(study: Study, parts: Sequence[Group]) -> list[str]:
    recipes = list(dict.fromkeys(each["recipe"] for each in study.settings))
    steps = {cell.config["recipe"]["steps"] for group in parts for cell in group.cells}
    many = f"{len(study.settings)} settings" if len(study.settings) > 1 else "1 setting"
    seeds = f"{len(study.seeds)} seeds" if len(study.seeds) > 1 else f"seed {study.seeds[0]}"
    envs = [group.env for group in parts]
    several = [f"{len(recipes)} recipes"] if len(recipes) > 4 else recipes
    return [*several, *(envs if len(envs) < 5 else [f"{len(envs)} environments"]), many, seeds,
            *(f"{each:,} steps" for each in sorted(steps) if len(steps) == 1)]  # fmt: skip


def _state(every: Sequence[Cell]) -> str:
    """What must be known of runs that are not whole."""
    members = [each for cell in every for each in cell.members]
    left = {state: sum(each.state == state for each in members) for state in dict.fromkeys(m.state for m in members)}
    told = [f"{count} {state}" for state, count in left.items() if state]
    return f"Of {len(members)} runs {', '.join(told)}: the page shows what is there." if told else ""


def _faults(every: Sequence[Cell]) -> list[str]:
    found = [each.fault for cell in every for each in cell.members if each.fault]
    return found[:MOST] + ([f"and {len(found) - MOST} more"] if len(found) > MOST else [])


def _command(study: Study, every: Sequence[Cell]) -> tuple[str, str]:
    first = {cell.told[RECIPE]: cell.config for cell in reversed(every) if cell.config}
    if len(every) != math.prod(map(len, study.vary.values())) * len({cell.told[RECIPE] for cell in every}):
        return "", "its settings are no whole grid, but were chosen one by one"
    return settings.study_command(dict(reversed(first.items())), study.vary, study.seeds)


def _link(member: Member, page: Path) -> Link:
    """To a run's own page where it has one, else to its folder; never an address of another kind."""
    own = member.folder / "page.html"
    target = own if own.is_file() else member.folder
    place = quote(os.path.relpath(target.resolve(), page.resolve().parent).replace(os.sep, "/"))
    return Link(f"./{place}", str(member.seed), member.state)
