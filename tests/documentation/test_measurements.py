"""The pages' tables are what the files of measurements say, and what a benchmark saves is such a file."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.places import DOCS, ROOT

sys.path.append(str(ROOT / "benchmarks"))
pages, saving = pytest.importorskip("pages"), pytest.importorskip("saving")
MEASUREMENTS = DOCS / "measurements"


def test_pages_are_what_the_files_say() -> None:
    shown = set()
    for page in pages.pages():
        text = page.read_text()
        assert text == pages.rendered(text), f"{page}: run make tables"
        shown |= {DOCS / name for _, name, _ in pages.TABLE.findall(text)}
    assert shown == {*MEASUREMENTS.glob("*.toml"), *MEASUREMENTS.glob("*.json")}


def test_no_table_of_these_pages_is_typed() -> None:
    for name in ("results.md", "performance.md"):
        left = pages.TABLE.sub("", (DOCS / name).read_text())
        assert [line for line in left.splitlines() if line.startswith("|")] == []


def test_each_figure_says_when_and_with_which_code_it_was_written_down() -> None:
    for path in MEASUREMENTS.glob("*.toml"):
        data = pages.read(path)
        assert data["protocol"]
        assert data["machine"]
        for row in data["rows"]:
            assert set(row) <= {*data["columns"], "recorded", "commit"}
            assert row["recorded"].year >= 2026
            assert len(row["commit"]) == 8


def test_figures_are_written_as_they_were_measured() -> None:
    figure = {"mean": "0.50", "median": 500, "quartiles": [490, "499.0"], "range": [-3, 1_600_000], "remark": "alone"}
    assert pages.cell(figure) == "0.50, 500 (490, 499.0), -3 to 1.6M; alone"
    assert [pages.cell(each) for each in (43_400, 999, "4.0, the optimum")] == ["43.4k", "999", "4.0, the optimum"]
    data = {"columns": {"a": "first", "b": "second"}, "rows": [{"a": 1, "b": {"median": 2}}, {"b": 3}]}
    assert pages.table(data) == "| first | second |\n|---|---|\n| 1 | 2 |\n| | 3 |"


def test_what_is_saved_becomes_a_table_and_is_never_overwritten(tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    saving.add_option(parser)
    name = str(tmp_path / "speed.json")
    path = parser.parse_args(["--save", name]).save
    saving.save(path, "three turns", {"ours": "argmaxq"}, [{"ours": 4.50}], [4.25, 4.75])
    page = "before\n<!-- table: speed.json -->\n<!-- end of table -->\nafter"
    assert "| argmaxq |\n|---|\n| 4.5 |\n\n<!-- end" in pages.rendered(page, tmp_path)
    assert {"protocol", "command", "date", "versions", "samples"} <= set(json.loads(path.read_text()))
    with pytest.raises(SystemExit):
        parser.parse_args(["--save", name])


def test_every_benchmark_with_a_table_can_save_it() -> None:
    for name in ("run", "pixels", "breakout", "studies", "coverage", "evaluated", "processes"):
        source = (ROOT / "benchmarks" / f"{name}.py").read_text()
        assert "add_option(parser)" in source, name
    words = [sys.executable, str(ROOT / "benchmarks" / "pages.py"), "--check"]
    assert subprocess.run(words, capture_output=True, check=False).returncode == 0
