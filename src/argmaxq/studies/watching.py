"""How far a study is, as its groups' folders say."""

from argmaxq.runs.files.reading import read_json
from argmaxq.runs.files.shapes import is_number
from argmaxq.studies.folder import PROGRESS, SAID, Layout
from argmaxq.training.progress import Done, Progress


class Watching:
    """Follows the groups that are trained now, and shows them as one bar; ``steps`` are those of each group."""

    def __init__(self, layout: Layout, steps: dict[int, int]) -> None:
        self._layout, self._steps = layout, steps
        self._returns: dict[int, float] = {}
        self._shown: tuple[Done, dict[str, float]] | None = None
        self._heard = {group: self._length(group) for group in steps}
        self._done = {group: steps[group] if layout.done(group) else self._told(group) for group in steps}

    @property
    def total(self) -> int:
        """Env steps of all members."""
        return sum(self._steps.values())

    @property
    def done(self) -> Done:
        """Those that are done, or that nobody has to do."""
        done = sum(self._done.values())
        return Done(done, done)

    def ended(self, group: int) -> None:
        """Nothing is left to do in a group."""
        self._done[group] = self._steps[group]

    def show(self, display: Progress) -> None:
        """Look at the groups' notes and show them."""
        for group in self._steps:
            if self._done[group] < self._steps[group]:
                self._done[group] = min(max(self._done[group], self._told(group)), self._steps[group])
            self._say(group, display)
        whole = sum(self._done[group] >= self._steps[group] for group in self._steps)
        means = list(self._returns.values())
        shown = {"groups": whole} | ({"return": sum(means) / len(means)} if means else {})
        if (self.done, shown) != self._shown:  # a line that says what the last one said is none
            self._shown = self.done, shown
            display.update(self.done, shown)

    def _told(self, group: int) -> int:
        """Env steps that a group says it has done."""
        try:
            noted = read_json(self._layout.group(group) / PROGRESS)
        except (FileNotFoundError, ValueError):
            return 0
        if is_number(noted.get("return")):
            self._returns[group] = noted["return"]
        done = noted.get("done")
        return int(done) if is_number(done) else 0

    def _say(self, group: int, display: Progress) -> None:
        """Say what a group has said since it was last listened to."""
        length = self._length(group)
        if length > self._heard[group]:
            with (self._layout.group(group) / SAID).open("rb") as file:
                file.seek(self._heard[group])
                for line in file.read().decode(errors="replace").splitlines():
                    display.say(f"group {group:03d}: {line}")
        self._heard[group] = length

    def _length(self, group: int) -> int:
        try:
            return (self._layout.group(group) / SAID).stat().st_size
        except FileNotFoundError:
            return 0
