"""How long Chromium takes to show another step of the episode on a run's page, scrubbed by keys, mouse and touch.

The page is of a run of `cartpole/pqn`, whose episodes have 500 steps, unless RUN says another. A frame's time is from
its beginning to when the browser has drawn it, in milliseconds: script, style, layout and painting.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

import argmaxq as aq

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from support.browser import Browser, browser

PASSES, FRAME = 5, 16
WATCH = """
window.took = [];
const drawn = new MessageChannel(), begun = [], step = document.querySelector('.r-step');
drawn.port1.onmessage = () => took.push(performance.now() - begun.shift());
new MutationObserver(() => { begun.push(document.timeline.currentTime); drawn.port2.postMessage(0); })
  .observe(step, {childList: true, characterData: true, subtree: true});
"""
"""A message that is sent within a frame arrives when the frame has been drawn."""
SHOWN = "new Promise(done => requestAnimationFrame(() => setTimeout(done)))"
BOX = "Object.values(document.querySelector('.forecast .wide').getBoundingClientRect().toJSON())"


def key(page: Browser, share: float) -> None:
    """One step on."""
    page.key("ArrowRight")


def mouse(page: Browser, share: float) -> None:
    """To a share of the episode, by a click on the chart."""
    page.click(place(page, share))


def touch(page: Browser, share: float) -> None:
    """The same by a touch."""
    page.tap(place(page, share))


def place(page: Browser, share: float) -> dict[str, float]:
    """The point of the chart that is at a share of the episode."""
    left, top, width, height = page.run(BOX)[:4]
    return {"x": left + 1 + share * (width - 2), "y": top + height / 2}


def scrubbed(page: Browser, file: Path, move: Callable[[Browser, float], None]) -> np.ndarray:
    """Milliseconds of the frame that showed each step but the first, of a page just opened."""
    page.open(file)
    page.run("new Promise(done => setTimeout(done, 2000))")  # pictures are decoded meanwhile, as while a reader looks
    page.run(WATCH)
    page.run("document.querySelector('.explorer').focus()")
    page.run("document.querySelector('.forecast .wide').scrollIntoView({behavior: 'instant', block: 'center'})")
    page.run(SHOWN)
    steps = int(page.run("document.querySelector('.r-step').textContent.split(' ').pop()"))
    for step in range(1, steps + 1):
        move(page, step / steps)
        page.run(SHOWN)
    return np.array(page.run("took"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", nargs="?", metavar="RUN", type=Path)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        given = parser.parse_args().run
        run = aq.Run(given) if given else aq.train("cartpole/pqn", out=made / "run")
        aq.report(run, out=made / "page.html")
        with browser(made / "profile") as page:
            for name, move in {"keys": key, "mouse": mouse, "touch": touch}.items():
                took = np.array([scrubbed(page, made / "page.html", move) for _ in range(PASSES)])
                of_each = np.median(took, axis=0)
                print(
                    f"{name}: {of_each.size} steps in {PASSES} passes, median {np.median(took):.1f} ms, "
                    f"{np.mean(took <= FRAME):.1%} within {FRAME}, longest {took.max():.1f}; "
                    f"longest of the steps' medians {of_each.max():.1f}"
                )


if __name__ == "__main__":
    main()
