"""What can be compared, of runs and of studies' settings alike: labelled seeds on an environment."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from argmaxq.components.errors import UserError
from argmaxq.reporting.pictures import places
from argmaxq.reporting.text import environment
from argmaxq.runs.folder import read_config
from argmaxq.studies.study import Study
from argmaxq.verbs.run import Run


class Entry(NamedTuple):
    """A run, or a setting of a study.

    Attributes:
        label: What it is called.
        folders: The runs of its seeds, of a setting those that have begun.
        config: The configuration of one of them.
    """

    label: str
    folders: tuple[Path, ...]
    config: Mapping[str, Any]

    @property
    def env(self) -> str:
        """The environment's name."""
        return environment(self.config)


def entries(sources: Sequence[Run | Study]) -> list[Entry]:
    """Every run, and every setting that has begun of every study, in order.

    Runs are labelled by their folders, settings by their varied values, after their study's folder beside others.

    Raises:
        UserError: two have one label, a configuration is damaged, or a study has not begun.
    """
    found: list[Entry] = []
    for source in sources:
        own = entries_of(source, len(sources) > 1)
        if own[0].label in [each.label for each in found]:
            raise UserError(f"{source.path} is named twice")
        found += own
    return found


def entries_of(source: Run | Study, several: bool) -> list[Entry]:
    """A run, or a study's settings, as they stand beside ``several`` others or alone; raises UserError, see above."""
    if isinstance(source, Run):
        return [Entry(str(source.path), tuple(places(source.path, "episodes")), source.config)]
    there = {label: tuple(filter(begun, own)) for label, own in source.folders().items()}
    before, seeds = f"{source.path}: " if several else "", {"seeds": list(source.seeds)}
    found = [Entry(before + label, own, read_config(own[0]) | seeds) for label, own in there.items() if own]
    if not found:
        raise UserError(f"{source.path}: none of its runs has finished an episode yet")
    return found


def gaps(sources: Sequence[Run | Study], listed: Sequence[Entry]) -> list[str]:
    """Which settings and seeds of runs and studies are missing in what is listed of them, a line each."""
    there = {each.label: len(each.folders) for each in listed}
    lines: list[str] = []
    for source in sources:
        labels = [str(source.path)]
        if not isinstance(source, Run):
            labels = [f"{source.path}: " * (len(sources) > 1) + label for label in source.folders()]
        if absent := [label for label in labels if label not in there]:
            lines.append(f"left out, since there is nothing to compare yet: {'; '.join(absent)}")
        some = [label for label in labels if 0 < there.get(label, 0) < len(source.seeds)]
        lines += [f"{label} has {there[label]} of {len(source.seeds)} seeds so far" for label in some]
    return lines


def begun(folder: Path) -> bool:
    """Whether a run has finished an episode."""
    file = folder / "episodes.jsonl"
    return file.is_file() and file.stat().st_size > 0
