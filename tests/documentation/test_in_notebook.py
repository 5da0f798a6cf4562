"""What a real Jupyter kernel shows of argmaxq, and what an interrupted cell leaves."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from jupyter_client.manager import KernelManager

import argmaxq as aq
from argmaxq.reporting.inline import run_html, table
from argmaxq.runs import checkpoint
from argmaxq.studies.table import last_evaluations

TRAIN = """
import argmaxq as aq
recipe = aq.find("cartpole/dqn", steps=6_000)
run = aq.train(recipe, out={out!r}, engine="host", quiet=False)
"""
WAIT = 120.0


class Shown(NamedTuple):
    """What a cell shows: its outputs by MIME type, what it prints, and the name of an exception, if any."""

    outputs: list[dict[str, str]]
    printed: str
    error: str

    def of(self, kind: str) -> list[str]:
        return [output[kind] for output in self.outputs if kind in output]


class Kernel:
    """A kernel of this interpreter."""

    def __init__(self, folder: Path) -> None:
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(cwd=str(folder), stdout=-3, stderr=-3)  # to nowhere
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=WAIT)

    def run(self, code: str, interrupted: str = "") -> Shown:
        """Run a cell, and interrupt it once an output matches a pattern."""
        asked, shown, printed, error = self.client.execute(code), [], "", ""
        while True:
            message = self.client.get_iopub_msg(timeout=WAIT)
            kind, content = message["msg_type"], message["content"]
            if message["parent_header"].get("msg_id") != asked:
                continue
            if kind == "status" and content["execution_state"] == "idle":
                return Shown(shown, printed, error)
            if kind in ("display_data", "execute_result", "update_display_data"):
                shown.append(content["data"])
                if interrupted and re.search(interrupted, content["data"]["text/plain"]):
                    interrupted = ""
                    self.manager.interrupt_kernel()
            printed += content["text"] if kind == "stream" else ""
            error = content["ename"] if kind == "error" else error

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    started = Kernel(tmp_path_factory.mktemp("notebook"))
    try:
        yield started
    finally:
        started.close()


@pytest.mark.skipif(sys.platform == "win32", reason="a kernel is interrupted there in another way")
def test_an_interrupted_cell_saves_and_its_run_goes_on_bit_for_bit(kernel: Kernel, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    uninterrupted = kernel.run(TRAIN.format(out=str(whole)))
    assert uninterrupted.error == "", uninterrupted.printed
    bars = uninterrupted.of("text/html")
    assert all('<progress max="6000"' in bar for bar in bars), "progress is a bar that needs no widgets"
    assert 'value="0"' in bars[0]
    assert int(re.findall(r'value="(\d+)"', bars[-1])[0]) >= 6_000, "and stays at its end"

    stopped = kernel.run(TRAIN.format(out=str(broken)), interrupted=r"^[2-5]\.\d+k/6k")
    assert stopped.error == "KeyboardInterrupt"
    assert "saving at step" in stopped.printed
    assert 0 < aq.Run(broken).summary["step"] < 6_000
    resumed = kernel.run(f"run = aq.resume({str(broken)!r}); run.summary['finished']")
    assert resumed.of("text/plain") == ["True"]
    for name in ("episodes.jsonl", "metrics.jsonl", "evaluations.jsonl"):
        assert (broken / name).read_bytes() == (whole / name).read_bytes(), name
    one, other = (checkpoint.load(path / "checkpoints" / "last")[0] for path in (whole, broken))
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name])


def test_runs_pictures_and_films_show_where_they_stand(kernel: Kernel, tmp_path: Path) -> None:
    code = "import argmaxq as aq; run = aq.train('cartpole/dqn', steps=1_500, out={!r}); run"
    made = kernel.run(code.format(str(tmp_path / "run")))
    assert made.error == "", made.printed
    (page,) = made.of("text/html")
    assert "cartpole/dqn on CartPole-v1" in page
    assert 'src="data:image/png;base64,iVBOR' in page
    assert made.of("text/plain")[0].startswith("<Run ")

    picture = kernel.run("aq.plot(run)")
    assert picture.of("image/png")[0].startswith("iVBOR")
    assert kernel.run("aq.plot(run, 'value', 'value.svg')").of("image/svg+xml")[0].rstrip().endswith("</svg>")
    (film,) = kernel.run("film = aq.film(run); film").of("text/html")
    assert re.match(r'<video [^>]*src="data:video/mp4;base64,AAAA', film)
    assert kernel.run("film.returns == run.evaluate(1).returns").of("text/plain") == ["True"]
    assert kernel.run("str(film.save('a')), open('a.mp4', 'rb').read() == film.content").of("text/plain") == [
        "('a.mp4', True)"
    ]
    assert "5 greedy episodes, mean" in kernel.run("run.evaluate(5)").of("text/plain")[0]
    assert kernel.run("aq.load(run.path)").of("text/plain")[0].startswith("<Policy: dqn of ")


def test_nothing_that_a_run_folder_says_becomes_markup(tmp_path: Path) -> None:
    script = "<script>alert(1)</script>"
    config = {
        "name": script, "seeds": [0], "engine": "host", "device": {"platform": "cpu", "kind": "cpu"},
        "recipe": {"env": {"id": script}, "stop": {"type": "stop/never"}, "steps": 10},
    }  # fmt: skip
    assert "<script" not in run_html(config, {}, Path(script), [tmp_path])
    assert "<script" not in table([script], [[script]])


def test_a_study_tells_the_last_evaluations_of_each_setting() -> None:
    columns = {
        "setting": [0, 0, 0, 1],
        "seed": [0, 0, 1, 0],
        "step": [100, 200, 200, 100],
        "mean": [1.0, 3.0, 5.0, 9.0],
    }
    found = {name: np.array(column) for name, column in columns.items()}
    assert last_evaluations(found, 0) == ["2", "200", "4.000", "3.000 to 5.000"]
    assert last_evaluations(found, 2) == ["0", "", "", ""]
