"""The process that trains groups of a study: it reads their numbers, and says of each how it went."""

import json
import os
import queue
import sys
import threading
from pathlib import Path

from argmaxq.components.errors import UserError, told
from argmaxq.setup import start_jax
from argmaxq.studies import group
from argmaxq.studies.folder import opened


def main(folder: str, kind: str) -> None:
    """Train each group whose number comes in a line of standard input; answer with its number and what went wrong.

    The process ends with whoever asks, however that ends: what a kill leaves is whole.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what an environment prints is no answer
    start_jax(2 if kind == "compiled" else 1, heavy=kind == "heavy")
    numbers: queue.SimpleQueue[int] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(numbers,), daemon=True).start()
    layout, engines = opened(Path(folder)), group.Engines()
    while True:
        number = numbers.get()
        fault = ""
        try:
            group.train(layout, number, engines)
        except UserError as error:
            fault = str(error)
        except Exception as error:
            if os.environ.get("ARGMAXQ_TRACEBACK"):
                raise
            fault = told(error)
        print(json.dumps([number, fault]), file=answers, flush=True)


def _listen(numbers: "queue.SimpleQueue[int]") -> None:
    for line in sys.stdin:
        numbers.put(int(line))
    os._exit(0)
