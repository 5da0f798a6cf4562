"""A study's folder: ``study.json``, written once, the settings' runs, and a folder for each group that trains them."""

import os
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from argmaxq.components.errors import UserError
from argmaxq.components.serialisation import to_json
from argmaxq.runs import trust
from argmaxq.runs.files.reading import read_json
from argmaxq.runs.files.shapes import each, entries, fields, matching, optional, table, text, truth
from argmaxq.runs.files.shapes import number as is_a_number
from argmaxq.runs.files.writing import own_folder
from argmaxq.runs.folder import CONFIG, SUMMARY, make_folder, read_summary, seed_folder, write_json
from argmaxq.runs.formats import COUNT, IDENTITY, SEED, checked
from argmaxq.runs.summary import joined
from argmaxq.runs.versions import environment_report
from argmaxq.studies.plan import Group, Member, Setting
from argmaxq.verbs.run import Run

STUDY, SETTINGS, GROUPS, TABLE = "study.json", "settings", "groups", "table.csv"
DONE, PROGRESS, SAID = "done.json", "progress.json", "said.txt"
"""What lies in a group's folder: that nothing is left to do, how far it is, and what there was to say."""
GROUP = fields(
    {
        "engine": matching("compiled|host", "compiled or host"),
        "family": COUNT,
        "members": each(each(COUNT, 2, 2), least=1),
        "swept": each(text),
        "allocation": optional(COUNT),
    },
    {"heavy": truth},
)
FORMAT = fields(
    {
        "id": IDENTITY,
        "recipes": table,
        "vary": entries(each(text)),
        "seeds": each(SEED, least=1),
        "device_asked": optional(text),
        "settings": each(fields({"recipe": text, "values": entries(text)}), least=1),
        "groups": each(GROUP, least=1),
    },
    {"versions": table, "device": table, "machine": table, "rungs": each(is_a_number)},
)
"""The shape of ``study.json``."""


class Layout(NamedTuple):
    """What ``study.json`` holds, and where everything lies."""

    path: Path
    data: dict[str, Any]

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of every setting."""
        return tuple(self.data["seeds"])

    @property
    def groups(self) -> tuple[Group, ...]:
        """All groups, as they were planned."""
        return tuple(
            Group(
                each["engine"],
                each["family"],
                tuple(Member(*pair) for pair in each["members"]),
                tuple(each["swept"]),
                each["allocation"],
                each.get("heavy", False),
            )
            for each in self.data["groups"]
        )

    def group(self, number: int) -> Path:
        """A group's folder."""
        return self.path / GROUPS / _numbered(number)

    def done(self, number: int) -> bool:
        """Whether nothing is left to do in a group."""
        return (self.group(number) / DONE).is_file()

    def setting(self, number: int) -> Path:
        """A setting's folder: the run of all of its seeds, where these are several."""
        return self.path / SETTINGS / _numbered(number)

    def member(self, member: Member) -> Path:
        """The run of one setting and seed."""
        return seed_folder(self.setting(member.setting), member.seed)

    def run(self, member: Member, trusted: bool = False) -> Run:
        """The run of one setting and seed, as every verb reads it."""
        return Run(self.member(member), trust=trusted)

    def summarise(self) -> None:
        """Write the summary of each setting of several seeds."""
        for number in range(len(self.data["settings"])) if len(self.seeds) > 1 else []:
            parts = [found for seed in self.seeds if (found := read_summary(self.member(Member(number, seed))))]
            if parts:
                ended = len(parts) == len(self.seeds) and all(part["finished"] for part in parts)
                whole = joined(parts, parts[0]["steps"], ended, max)
                write_json(self.setting(number) / SUMMARY, whole)


def opened(path: str | Path) -> Layout:
    """The study in a folder.

    Raises:
        UserError: there is none, or its file is damaged.
    """
    file = Path(path) / STUDY
    try:
        return Layout(Path(path), checked(FORMAT, read_json(file), file))
    except FileNotFoundError:
        raise UserError(f"{path} is no study's folder: it has no {STUDY}") from None


def is_study(path: str | Path) -> bool:
    """Whether a folder is a study's."""
    return os.path.isfile(Path(path) / STUDY)  # false, too, of a name that is too long


def make(
    out: str | Path | None,
    settings: Sequence[Setting],
    vary: Sequence[str],
    seeds: Sequence[int],
    groups: Sequence[Group],
    spaces: Sequence[Mapping[str, Any]],
    device: str | None,
    rungs: Sequence[float] = (),
) -> Layout:
    """A new study's folder; ``spaces`` are what each setting's configuration holds of its environment's.

    ``study.json`` is written last: it makes the folder a study.
    """
    report = environment_report()
    path = make_folder(out, f"study-{settings[0].name}")
    engines = {member.setting: group.engine for group in groups for member in group.members}
    firsts = {setting.name: setting.recipe for setting in reversed(settings)}
    data = {
        "id": uuid.uuid4().hex,
        "recipes": {name: to_json(firsts[name]) for name in dict.fromkeys(setting.name for setting in settings)},
        "vary": {name: list(dict.fromkeys(setting.values[name] for setting in settings)) for name in vary},
        "seeds": list(seeds),
        "device_asked": device,
        "settings": [{"recipe": setting.name, "values": setting.values} for setting in settings],
        "groups": [_group(group) for group in groups],
        **({"rungs": list(rungs)} if rungs else {}),
        **report,
    }
    layout = Layout(path, data)
    for number, (setting, own) in enumerate(zip(settings, spaces, strict=True)):
        named = {"id": uuid.uuid4().hex, "name": setting.name, "engine": engines[number], "study": path.name}
        config = {**named, "device_asked": device, **own, "recipe": to_json(setting.recipe), **report}
        _write_runs(layout, number, trust.signed(config))
    write_json(path / STUDY, data)
    return layout


def _write_runs(layout: Layout, setting: int, config: dict[str, Any]) -> None:
    """The configurations of a setting's runs, and of all of them as one run, where there are several."""
    for seed in layout.seeds:
        write_json(own_folder(layout.member(Member(setting, seed))) / CONFIG, config | {"seeds": [seed]})
    if len(layout.seeds) > 1:
        write_json(layout.setting(setting) / CONFIG, config | {"seeds": list(layout.seeds)})


def _group(group: Group) -> dict[str, Any]:
    return {**group._asdict(), "members": [list(member) for member in group.members], "swept": list(group.swept)}


def _numbered(number: int) -> str:
    return f"{number:03d}"
