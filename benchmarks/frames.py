"""Memory and disk of a replay of frames: allocated, with a tenth of it filled, and as its checkpoints are written.

python benchmarks/frames.py [--frames 1000000]
"""

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from argmaxq.components.component import bind
from argmaxq.devices import lazily
from argmaxq.replay.storage import Frames
from argmaxq.replay.uniform import Uniform
from argmaxq.runs import checkpoint
from argmaxq.spaces import ArraySpec, DiscreteActions, Spaces
from argmaxq.trees import flatten
from argmaxq.types import Row

LANES, ROWS = 8, 64
SPACES = Spaces(ArraySpec((4, 84, 84), "uint8", frames=4), DiscreteActions(4))


def resident() -> float:
    """Resident memory of this process [GB]."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e9


def random_rows(key: jax.Array) -> Row:
    """Rows of frames that nothing can compress."""
    marks = jnp.zeros((ROWS, LANES), bool)
    obs = jax.random.bits(key, (ROWS, LANES, 4, 84, 84), jnp.uint8)
    return Row(obs, marks.astype(jnp.int32), marks.astype(jnp.float32), marks, marks, marks)


def main() -> None:
    """Print what each step costs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=1_000_000)
    frames = parser.parse_args().frames
    replay: Any = bind(Uniform(frames, storage=Frames()), SPACES)
    begun = resident()
    state = lazily(jax.jit(lambda: replay.init(SPACES, LANES, 10))())
    size = sum(leaf.nbytes for leaf in jax.tree.leaves(state)) / 1e9
    print(f"{frames:,} frames: {size:.2f} GB allocated, resident memory {resident() - begun:+.2f} GB")
    add = jax.jit(lambda state, key: replay.add(state, random_rows(key), 1), donate_argnums=0)
    folder, blocks = Path(tempfile.mkdtemp()), max(1, frames // 10 // (ROWS * LANES))
    written = 0
    for number, count in enumerate((blocks, max(1, blocks // 4)), 1):
        for i in range(count):
            state = add(state, jax.random.key(1000 * number + i))
        jax.block_until_ready(state)
        print(f"{count * ROWS * LANES:,} frames more: resident memory {resident() - begun:+.2f} GB")
        cpu = time.process_time()
        checkpoint.save(folder, f"step-{number:09}", flatten(state), {})
        total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        told = f"{(total - written) / 1e9:.2f} GB written, {time.process_time() - cpu:.1f} s of CPU"
        print(f"checkpoint: {told}, resident memory {resident() - begun:+.2f} GB")
        written = total
    loaded, _ = checkpoint.load(folder / "step-000000002")
    print("loaded as saved:", all(np.array_equal(loaded[name], array) for name, array in flatten(state).items()))
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
