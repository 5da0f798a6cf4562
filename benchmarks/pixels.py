"""One DQN update with the Nature network on a CPU, against torch: ``python benchmarks/pixels.py``.

Batches of 32 from a replay of pictures, inside our compiled loop, and in torch as float32 (NCHW) and as bfloat16
(channels last). All three processes live through the whole comparison on one core with one thread, and take turns of
some updates; what is compared is CPU time, by the median of the turns' ratios.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from typing import Any

from measure import HERE
from peers.values import PIXELS
from saving import add_option, save

SIDES: dict[str, tuple[str, ...]] = {
    "argmaxq": ("ours/pixels_update.py", "--values", json.dumps(PIXELS)),
    "torch float32": ("peers/torch_pixels.py", "--dtype", "float32"),
    "torch bfloat16": ("peers/torch_pixels.py", "--dtype", "bfloat16", "--layout", "channels_last"),
}
COLUMNS = {"side": "whose", "milliseconds": "CPU milliseconds", "ratio": "ours to it"}
BARS = {"torch float32": 0.95, "torch bfloat16": 1.6}


def started(command: tuple[str, ...], updates: int, core: int) -> Any:
    script, *options = command
    line = [sys.executable, str(HERE / script), *options, "--updates", str(updates), "--core", str(core)]
    return subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)


def turn(process: Any) -> float:
    process.stdin.write("\n")
    answer: str = process.stdout.readline()
    return float(answer)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--updates", type=int, default=16, help="in one turn (%(default)s)")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    add_option(parser)
    arguments = parser.parse_args()
    running = {name: started(command, arguments.updates, arguments.core) for name, command in SIDES.items()}
    for process in running.values():
        turn(process)  # the first is not counted: others may still be starting
    rounds = [{name: turn(process) for name, process in running.items()} for _ in range(arguments.rounds)]
    for process in running.values():
        process.stdin.close()
        process.wait()
    print(f"CPU milliseconds of an update, medians of {arguments.rounds} turns, load {os.getloadavg()[0]:.1f}")
    rows = []
    for name in SIDES:
        milliseconds = statistics.median(each[name] for each in rounds)
        ratio = statistics.median(each["argmaxq"] / each[name] for each in rounds)
        rows.append({"side": name, "milliseconds": round(milliseconds, 1), "ratio": round(ratio, 2)})
        bar = f"   ours to it {ratio:.2f}, at most {BARS[name]:.2f}" if name in BARS else ""
        print(f"{name:15} {milliseconds:6.1f}{bar}")
    protocol = f"an update of the Nature network, batch 32, on one core: medians of {arguments.rounds} turns"
    save(arguments.save, protocol, COLUMNS, rows, rounds)


if __name__ == "__main__":
    main()
