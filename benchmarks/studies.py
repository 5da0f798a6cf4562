"""What a study costs: its commands beside one ``train`` command for each setting, and the steps of its programs.

The commands are as a user types them, one after another, with programs that are compiled already where an earlier
command has compiled them; seconds are of the clock, then of processors, which another load does not change much. The
cost of a step is that of two engines in one process, of as many members, which take turns: one whose members differ by
their seeds, and one whose members have numbers of their own.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

import argmaxq as aq
from argmaxq.setup import device_per_core
from argmaxq.training.engines.choose import make_engine, make_members
from saving import add_option, save

RECIPE = "cartpole/dqn-course"
CAPACITIES = (1_000, 2_500, 5_000, 10_000)
PERIODS = (25, 50, 100, 200)
SEEDS = WIDTH = 10
COLUMNS = {"what": "what", "study": "study", "other": "commands, or seeds alone", "ratio": "ratio"}


def command(*words: str) -> np.ndarray:
    """Seconds that a command takes, of the clock and of processors, its processes' too."""
    begin = time.perf_counter(), _processors()
    subprocess.run([sys.executable, "-m", "argmaxq", *words, "--quiet"], check=True, stdout=subprocess.DEVNULL)
    return np.array([time.perf_counter() - begin[0], _processors() - begin[1]])


def _processors() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def wall(steps: int, most: int) -> dict[str, Any]:
    """A study of 16 settings with 10 seeds each, and the same by 16 commands, as the first ``most`` of them take."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        vary = [f"agent.replay.capacity={_listed(CAPACITIES)}", f"agent.sync.period={_listed(PERIODS)}"]
        given = ("--seeds", str(SEEDS), "--steps", str(steps))
        study = command("study", RECIPE, "--vary", vary[0], "--vary", vary[1], *given, "--out", str(place / "study"))
        found: dict[str, Any] = {"steps": steps, "study": study.round(1).tolist()}
        if not most:
            return found
        taken = []
        for capacity, period in list(product(CAPACITIES, PERIODS))[:most]:
            values = ("--agent.replay.capacity", str(capacity), "--agent.sync.period", str(period))
            taken.append(command("train", RECIPE, *values, *given, "--out", str(place / f"{capacity}-{period}")))
    commands = np.mean(taken, axis=0) * len(CAPACITIES) * len(PERIODS)
    return found | {"commands": commands.round(1).tolist(), "ratio": (study / commands).round(3).tolist()}


class Side:
    """One engine, and where it stands."""

    def __init__(self, engine: Any, steps: int) -> None:
        self.engine, self.steps, self.done = engine, steps, 0
        self.state = engine.start()

    def turn(self, blocks: int) -> float:
        """CPU seconds of so many blocks."""
        begin = time.process_time()
        for _ in range(blocks):
            end = self.done + self.engine.length
            self.state, _ = self.engine.run(self.state, self.done, end, self.steps)
            self.done = end
        return time.process_time() - begin


def per_step(replay: str, turns: int) -> dict[str, Any]:
    """CPU time of a member's step in a grid, compared with that among seeds alone."""
    recipe = aq.replace(aq.find(RECIPE), {"agent.replay": replay, "agent.replay.allocation": 10_000})
    grid = [
        aq.replace(recipe, {"agent.replay.capacity": CAPACITIES[i % 4], "agent.sync.period": PERIODS[i // 4]})
        for i in range(WIDTH)
    ]
    numbers = tuple(range(WIDTH))
    seeds = Side(make_engine("compiled", recipe, numbers), recipe.steps)
    own = Side(make_members(grid, numbers, ("replay.capacity", "sync.period")), recipe.steps)
    for side in (seeds, own):
        side.turn(2)
    ratios, costs = [], []
    for _ in range(turns):
        first, second = seeds.turn(1), own.turn(1)
        third, fourth = own.turn(1), seeds.turn(1)
        ratios.append((second + third) / (first + fourth))
        costs.append((first + fourth) / 2)
    steps = seeds.engine.length * recipe.agent.rollout * recipe.env.lanes * WIDTH
    return {
        "replay": replay,
        "ratio": round(statistics.median(ratios), 3),
        "seeds_us": round(statistics.median(costs) / steps * 1e6, 1),
    }


def row(found: dict[str, Any]) -> dict[str, Any]:
    """A line of the table: of the commands, or of a member's step."""
    if "replay" in found:
        what = f"CPU of a member's step, width {WIDTH}, {found['replay']} replay [us]"
        return {"what": what, "other": found["seeds_us"], "ratio": found["ratio"]}
    seconds = [each[0] for each in (found["study"], found.get("commands", [""]), found.get("ratio", [""]))]
    what = f"16 settings, {SEEDS} seeds, {found['steps']} steps each [s]"
    return {"what": what, **dict(zip(("study", "other", "ratio"), seconds, strict=True))}


def _listed(numbers: tuple[int, ...]) -> str:
    return ",".join(map(str, numbers))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2_000, help="of each run (%(default)s); 0: no commands")
    parser.add_argument("--commands", type=int, default=16, help="that it is compared with (%(default)s); 0: none")
    parser.add_argument("--turns", type=int, default=10, help="of the two engines (%(default)s); 0: none")
    add_option(parser)
    options = parser.parse_args()
    found = [wall(options.steps, options.commands)] if options.steps else []
    for each in found:
        print(json.dumps(each), flush=True)
    device_per_core()
    for replay in ("uniform", "prioritised") if options.turns else ():
        found.append(per_step(replay, options.turns))
        print(json.dumps(found[-1]), flush=True)
    save(options.save, " ".join(str(__doc__).split()), COLUMNS, [row(each) for each in found], found)


if __name__ == "__main__":
    main()
