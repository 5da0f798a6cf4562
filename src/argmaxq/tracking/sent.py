"""What a tracker was sent already: a file in its folder, so that nothing is sent twice."""

from pathlib import Path

from argmaxq.runs.files.reading import read_json
from argmaxq.runs.files.shapes import entries, fields, whole
from argmaxq.runs.folder import write_json
from argmaxq.runs.formats import checked

SENT = "sent.json"
FORMAT = fields({"seeds": entries(entries(whole()))})
"""For each seed, and each kind of what is sent, the env step up to which it was."""
NOTHING = -1


class Sent:
    """The file ``sent.json`` of a tracker's folder.

    Raises:
        UserError: it is damaged; or, in ``note``, it cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / SENT
        self._seeds: dict[str, dict[str, int]] = {}
        if self._file.exists():
            self._seeds = checked(FORMAT, read_json(self._file), self._file)["seeds"]

    def knows(self, seed: int) -> bool:
        """Whether anything of this seed was sent."""
        return str(seed) in self._seeds

    def upto(self, seed: int, kind: str) -> int:
        """The env step up to which it was sent; -1 for nothing."""
        return self._seeds.get(str(seed), {}).get(kind, NOTHING)

    def note(self, seed: int, kind: str, step: int) -> None:
        """It is sent up to this step."""
        own = self._seeds.setdefault(str(seed), {})
        if step == NOTHING:
            own.pop(kind, None)
        else:
            own[kind] = step
        write_json(self._file, {"seeds": self._seeds})
