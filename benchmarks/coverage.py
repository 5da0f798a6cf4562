"""How often do 95 % intervals hold the true figure? Simulated runs of normal, skewed and two-peaked scores.

Prints a table: the share of intervals of the interquartile mean that hold its true value, for each number of seeds and
distribution, and of those of the mean and of the probability of improvement (of two such settings that are alike).
"""

import argparse
from collections.abc import Callable

import numpy as np

from argmaxq import statistics
from saving import add_option, save

Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
TRUTH = 10_000_000
"""Scores of which the true figures are computed."""


def two_peaks(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Most runs learn, some do not, as seeds of deep reinforcement learning are."""
    return generator.normal(np.where(generator.random(shape) < 0.3, 100.0, 400.0), 60.0)


DISTRIBUTIONS: dict[str, Draw] = {
    "normal": lambda generator, shape: generator.normal(200.0, 50.0, shape),
    "skewed": lambda generator, shape: generator.gamma(2.0, 100.0, shape),
    "two-peaked": two_peaks,
}
FIGURES = {"interquartile mean": statistics.interquartile_mean, "mean": statistics.mean}


def truths(draw: Draw, generator: np.random.Generator) -> dict[str, float]:
    """Of so many scores that nothing is left to chance."""
    scores = np.sort(draw(generator, (TRUTH,)))
    return {"interquartile mean": float(scores[TRUTH // 4 : -TRUTH // 4].mean()), "mean": float(scores.mean())}


def covered(draw: Draw, figure: str, truth: float, seeds: int, repeats: int) -> float:
    """The share of intervals that hold the truth."""
    generator = np.random.default_rng([1, seeds])
    found = [FIGURES[figure](draw(generator, (seeds,)), seed=number) for number in range(repeats)]
    return float(np.mean([each.low <= truth <= each.high for each in found]))


def even(draw: Draw, seeds: int, repeats: int) -> float:
    """The share of intervals of the probability of improvement of a setting over itself that hold one half."""
    generator = np.random.default_rng([2, seeds])
    pairs = (draw(generator, (2, seeds)) for _ in range(repeats))
    found = [statistics.probability_of_improvement(*pair) for pair in pairs]
    return float(np.mean([each.low <= 0.5 <= each.high for each in found]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[5, 10, 20], help="(%(default)s)")
    parser.add_argument("--repeats", type=int, default=10_000, help="(%(default)s)")
    parser.add_argument("--figures", nargs="+", default=[*FIGURES, "improvement"], help="(%(default)s)")
    add_option(parser)
    options = parser.parse_args()
    print(f"| figure | seeds | {' | '.join(DISTRIBUTIONS)} |\n|---|---|{'---|' * len(DISTRIBUTIONS)}")
    known = {name: truths(draw, np.random.default_rng(0)) for name, draw in DISTRIBUTIONS.items()}
    rows = []
    for figure in options.figures:
        for seeds in options.seeds:
            cells = [
                even(draw, seeds, options.repeats)
                if figure == "improvement"
                else covered(draw, figure, known[name][figure], seeds, options.repeats)
                for name, draw in DISTRIBUTIONS.items()
            ]
            print(f"| {figure} | {seeds} | {' | '.join(f'{cell:.3f}' for cell in cells)} |", flush=True)
            row = {name: round(cell, 3) for name, cell in zip(DISTRIBUTIONS, cells, strict=True)}
            rows.append({"figure": figure, "seeds": seeds, **row})
    columns = {"figure": "figure", "seeds": "seeds", **{name: name for name in DISTRIBUTIONS}}
    protocol = f"the share of 95 % intervals that hold the true figure, of {options.repeats} simulated studies"
    save(options.save, protocol, columns, rows, [])


if __name__ == "__main__":
    main()
