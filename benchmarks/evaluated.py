"""What agents reach, as a table: ``python benchmarks/evaluated.py runs/cartpole-dqn --save FILE.json``.

Of each run, best and last checkpoint of every seed play fresh greedy episodes, as ``argmaxq evaluate`` has them play;
a figure is the median over seeds, with quartiles, and the worst and the best seed.
"""

import argparse
from typing import Any

import numpy as np

import argmaxq as aq
from pages import table
from saving import add_option, save

COLUMNS = {
    "command": "recipe, and command after `argmaxq train`",
    "steps": "steps",
    "seeds": "seeds",
    "best": "best: median (quartiles), worst to best",
    "last": "last: median (quartiles), worst to best",
}


def over_seeds(means: list[float], digits: int) -> dict[str, Any]:
    """Median, quartiles and range of the seeds' mean returns."""
    low, first, median, third, high = (
        round(float(each), digits) for each in np.quantile(means, (0, 0.25, 0.5, 0.75, 1))
    )
    return {"median": median, "quartiles": [first, third], "range": [low, high]}


def evaluated(run: aq.Run, episodes: int, digits: int) -> tuple[dict[str, Any], dict[str, list[float]]]:
    """A run's line of the table, and the mean returns of its seeds."""
    means = {
        which: [float(part.evaluate(episodes, which=which).mean) for part in run.parts] for which in ("best", "last")
    }
    seeds = len(run.seeds)
    command = f"`{run.config['name']} --seeds {seeds}`"
    figures = {which: over_seeds(found, digits) for which, found in means.items()}
    return {"command": command, "steps": run.recipe.steps, "seeds": seeds, **figures}, means


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", help="run folders")
    parser.add_argument("--episodes", type=int, default=100, help="of each checkpoint (%(default)s)")
    parser.add_argument("--digits", type=int, default=1, help="after the point (%(default)s)")
    add_option(parser)
    options = parser.parse_args()
    found = {path: evaluated(aq.Run(path), options.episodes, options.digits) for path in options.runs}
    rows = [row for row, _ in found.values()]
    print(table({"columns": COLUMNS, "rows": rows}))
    protocol = f"{options.episodes} fresh greedy episodes of each checkpoint, begun alike for all seeds"
    save(options.save, protocol, COLUMNS, rows, {path: means for path, (_, means) in found.items()})


if __name__ == "__main__":
    main()
