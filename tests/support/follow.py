"""Follows a page as its reader does, in the current folder: ``python -m support.follow PAGE``.

Its files are written, its commands and Python blocks run in order, all in this process, which spares them
starting anew; the Python blocks are one session. Blocks that say what they need are left out.
"""

import runpy
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from argmaxq.cli.main import main
from argmaxq.setup import device_per_core
from support.documents import blocks

SETTING_UP = ("make", ".", "pip")
"""Commands that set up a virtual environment, which is there."""


def run(line: str) -> None:
    words = shlex.split(line)
    if words[0] == "argmaxq":
        code = main(words[1:])
    else:
        code = 0 if words[0] in SETTING_UP else subprocess.run(words, check=False).returncode
    if code:
        sys.exit(f"{line}: ended with {code}")


def follow(page: Path) -> None:
    session: dict[str, Any] = {}
    for number, block in enumerate(blocks(page)):
        begun = time.perf_counter()
        if block.needs:
            print(f"[left out, since it needs {block.needs}]", flush=True)
        elif block.file:
            Path(block.file).write_text(block.text)
        elif block.language == "sh":
            for line in block.lines:
                begun = time.perf_counter()
                print("$", line, flush=True)
                run(line)
                print(f"[{time.perf_counter() - begun:.1f} s]", flush=True)
        elif block.language == "python":
            script = Path(f"block_{number}.py")
            script.write_text(block.text)
            session = runpy.run_path(str(script), session, run_name="__main__")
            print(f"[{script}: {time.perf_counter() - begun:.1f} s]", flush=True)


if __name__ == "__main__":
    device_per_core()
    follow(Path(sys.argv[1]))
