"""Training on Platform, compiled, one update of batch 128 per env step: env steps per second as JSON."""

import argparse
import json
import time
from typing import Any

import argmaxq as aq
from argmaxq.setup import start_jax
from argmaxq.training.choose import make_engine
from argmaxq.training.engine import block_length


def rate(name: str, seeds: int, blocks: int) -> float:
    """Env steps per second over all seeds, compilation and the first two blocks not counted."""
    recipe = aq.find(name)
    engine: Any = make_engine("compiled", recipe, tuple(range(seeds)))
    length = block_length(recipe.agent, engine.lanes)
    state, begin = engine.start(), 0.0
    for block in range(blocks + 2):
        begin = time.perf_counter() if block == 2 else begin
        state, _ = engine.run(state, block * length, (block + 1) * length)
    seconds = time.perf_counter() - begin
    return blocks * length * recipe.agent.rollout * engine.lanes * seeds / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", default="platform/mpdqn")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--blocks", type=int, default=8)
    arguments = parser.parse_args()
    start_jax(arguments.seeds)
    steps = rate(arguments.recipe, arguments.seeds, arguments.blocks)
    print(json.dumps({"recipe": arguments.recipe, "seeds": arguments.seeds, "steps_per_second": round(steps)}))


if __name__ == "__main__":
    main()
