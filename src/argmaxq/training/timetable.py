"""When blocks of training end, in whole iterations."""

import dataclasses

from argmaxq.runs.stretches import Stretch


@dataclasses.dataclass(frozen=True)
class Timetable:
    """Everything that ends a block: the run's end, a full block, an interval of env steps, another stretch of the run.

    Attributes:
        steps_per_iteration: Env steps of an iteration, over all lanes.
        length: Iterations of a full block.
        steps: Env steps of the run.
        intervals: Env steps between two evaluations, two checkpoints; 0: none.
        stretches: How many steps the run is to have from when on.
    """

    steps_per_iteration: int
    length: int
    steps: int
    intervals: tuple[int, ...]
    stretches: tuple[Stretch, ...]

    def end(self, begun: int) -> int:
        """The iteration at which a block ends that began at ``begun``.

        It depends on nothing else, so that an interruption does not move the blocks after it.
        """
        step = begun * self.steps_per_iteration
        ends = [(begun // self.length + 1) * self.length, self._first_at(self.steps)]
        ends += [self._first_at(each.begin) for each in self.stretches if each.begin > step]
        ends += [self._first_at((step // every + 1) * every) for every in self.intervals if every]
        return min(ends)

    def crossed(self, iteration: int, every: int) -> bool:
        """Whether the iteration before ``iteration`` crossed a multiple of ``every`` env steps."""
        step = iteration * self.steps_per_iteration
        return bool(every) and step // every > (step - self.steps_per_iteration) // every

    def completes(self, begun: int, iteration: int, blocks: int) -> bool:
        """Whether a block from ``begun`` to ``iteration`` comes to the end of another ``blocks`` full ones."""
        every = blocks * self.length
        return bool(every) and iteration // every > begun // every

    def _first_at(self, step: int) -> int:
        """Iterations after which at least ``step`` env steps are done."""
        return int(-(-step // self.steps_per_iteration))
