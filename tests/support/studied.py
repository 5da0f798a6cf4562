"""Studies in tests: trained in this process."""

from collections.abc import Mapping

from argmaxq.studies import group
from argmaxq.studies.folder import Layout
from argmaxq.studies.plan import Group


class Here:
    """Trains groups in this process."""

    def __init__(self, layout: Layout, groups: Mapping[int, Group], variables: Mapping[str, str]) -> None:
        self._layout, self._engines, self._ended = layout, group.Engines(), list[tuple[int, str]]()

    def submit(self, number: int) -> None:
        group.train(self._layout, number, self._engines)
        self._ended.append((number, ""))

    def wait(self, seconds: float) -> list[tuple[int, str]]:
        found, self._ended = self._ended, []
        return found

    def stop(self) -> None:
        pass

    def close(self) -> None:
        pass
