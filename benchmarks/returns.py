"""Do both libraries learn alike with equal values? Final greedy returns of CartPole, ours and Stable-Baselines3's.

Prints every return, and the probability of a difference as large by chance (Mann-Whitney U, two-sided).
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from scipy.stats import mannwhitneyu

from comparisons import EQUAL_OPTIONS
from measure import final_returns, script, train

SOLVED = 500


def ours(seeds: int, steps: int, episodes: int) -> list[float]:
    """Mean greedy return of each seed's last policy; all are trained in one program."""
    with tempfile.TemporaryDirectory(prefix="argmaxq-returns-") as folder:
        run, cache = Path(folder) / "run", Path(folder) / "cache"
        train("cartpole/dqn", run, cache, "--steps", steps, "--seeds", seeds, *EQUAL_OPTIONS)
        return final_returns(run, cache, episodes)


def peers(seeds: int, steps: int, episodes: int) -> list[float]:
    """The same of Stable-Baselines3, one seed after the other."""
    options = ("--steps", steps, "--episodes", episodes)
    return [script("peers/sb3_cartpole.py", *options, "--seed", seed)["mean_return"] for seed in range(seeds)]


def line(name: str, returns: Sequence[float]) -> str:
    """Every return, their median and how many are the best possible."""
    solved, listed = sum(each >= SOLVED for each in returns), ", ".join(f"{each:.0f}" for each in sorted(returns))
    return f"{name}: median {statistics.median(returns):.0f}, {solved} of {len(returns)} at {SOLVED}: {listed}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=30, help="ours (%(default)s)")
    parser.add_argument("--peers", type=int, default=10, help="the peer's (%(default)s)")
    parser.add_argument("--steps", type=int, default=50_000)
    parser.add_argument("--episodes", type=int, default=100, help="of each evaluation (%(default)s)")
    arguments = parser.parse_args()
    own = ours(arguments.seeds, arguments.steps, arguments.episodes)
    print(line("argmaxq", own), flush=True)
    other = peers(arguments.peers, arguments.steps, arguments.episodes)
    print(line("Stable-Baselines3", other))
    chance = float(mannwhitneyu(own, other).pvalue)
    print(f"a difference as large comes by chance with probability {chance:.2f}")
    print(json.dumps({"ours": own, "peer": other, "p": chance}))


if __name__ == "__main__":
    main()
