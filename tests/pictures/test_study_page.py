"""A study's page and comparison: what each setting and value comes to, and what is said of what is missing."""

import json
import re
import shlex
import shutil
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

import argmaxq as aq
from argmaxq.cli.given import varied
from argmaxq.components.options import read
from argmaxq.components.serialisation import to_json
from argmaxq.page.follow import follow
from argmaxq.page.report import report
from argmaxq.page.settings import study_command
from argmaxq.page.studies.curves import profiles
from argmaxq.page.studies.effects import effects
from argmaxq.page.studies.loaded import cells, groups
from argmaxq.studies.labels import labels, short_names
from argmaxq.studies.making import settings_of
from support.browser import Browser
from support.commands import Command
from support.drawings import HOSTILE, Outline
from support.scored import SPREAD, scored, scored_study

CAPACITY, GAMMA = "agent.replay.capacity", "agent.gamma"
VARY = {CAPACITY: ("1000", "2000"), GAMMA: ("0.9", "0.99")}


def score(capacity: str, gamma: str, spread: float) -> float:
    """20 more with the larger capacity, 5 more with the larger gamma."""
    return 100 + 20 * (capacity == "2000") + 5 * (gamma == "0.99") + spread


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scored_study(tmp_path_factory.mktemp("studies") / "grid", VARY, score)


def test_settings_are_called_by_what_varies() -> None:
    paths = ["agent.exploration.epsilon.value", "agent.optimiser.value", "agent.batch_size"]
    assert list(short_names(paths).values()) == ["epsilon.value", "optimiser.value", "batch size"]
    two = [{"recipe": name, "values": {"agent.gamma": "0.9"}} for name in ("a", "b", "b")]
    assert labels(two) == ["a, gamma 0.9", "b, gamma 0.9 (001)", "b, gamma 0.9 (002)"]
    assert labels([{"recipe": "a", "values": {}}]) == ["a"]


def test_a_page_says_what_each_value_does_and_what_is_best(study: Path) -> None:
    text = report(aq.Study(study)).read_text()
    outline = Outline(text)
    assert outline.open == []
    assert not re.search(r"<h\d[^>]*>\s*</h\d>", text)  # which a screen reader would announce
    assert "<strong>capacity 2000, gamma 0.99</strong> is better than all others, and that is sure." in text
    assert re.search(r"2000 is better than 1000 by 20\.0 \[19\.\d, 20\.\d\]", text)
    assert re.search(r"0\.99 is better than 0\.9 by 5\.000 \[4\.\d+, 5\.\d+\]", text)
    assert text.index("2000 is better") < text.index("0.99 is better")  # what matters most comes first
    (best, *again) = re.findall(r"<title>([^<]*)</title><rect class=\"cell best\"", text)
    assert (best.partition(":")[0], again) == ("capacity 2000, gamma 0.99", [best])  # wide and narrow
    coloured = re.findall(r'<span class="key [^"]*(c\d+)"></span>(capacity[^<]*)', text)
    assert len(coloured) == 2 * len(set(coloured)) == 8  # the same in the curves and in the profiles
    assert 'data-copy="|  | seeds |' in text
    assert "\\toprule" in text
    links = [str(found["href"]) for tag, found in outline.seen if tag == "a" and not str(found["href"]).startswith("#")]
    assert len(links) == 40
    assert all(link.startswith("./") and (study / unquote(link) / "config.json").is_file() for link in links)
    assert not re.search(r"src=\"(?!data:)", text)


def test_profiles_are_step_functions(study: Path) -> None:
    whole = aq.Study(study)
    (group,) = groups(cells(whole), short_names(whole.vary))
    for series in profiles(group, group.cells).series:
        across, up = np.diff(series.x), np.diff(series.y)
        assert not ((across != 0) & (up != 0)).any(), "a line is level or upright"
        assert set(series.y.tolist()) <= {k / 10 for k in range(11)}


def test_effects_are_over_settings_that_have_all_values(study: Path, tmp_path: Path) -> None:
    whole = aq.Study(study)
    names = short_names(whole.vary)
    (group,) = groups(cells(whole), names)
    capacity, gamma = effects(group, names)
    assert [each.point for each in capacity.found] == pytest.approx([102.5, 122.5])
    assert (capacity.axis, gamma.difference.point) == (CAPACITY, pytest.approx(5.0))
    partly = group._replace(cells=group.cells[:3])
    assert [each.point for each in effects(partly, names)[0].found] == pytest.approx([100.0, 120.0])
    assert effects(group._replace(cells=(group.cells[0], group.cells[3])), names) == []


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    folder = scored_study(
        tmp_path / "javascript:alert(1)", {GAMMA: ("0.9", HOSTILE), CAPACITY: ("1", "2")}, lambda *v: v[-1]
    )
    member = "settings/00{}/seed-{}/{}".format
    (folder / member(0, 0, "evaluations.jsonl")).write_text("not JSON\n{}\n")
    (folder / member(1, 1, "episodes.jsonl")).unlink()
    (folder / member(2, 2, "summary.json")).unlink()
    (folder / member(3, 3, "config.json")).write_text("{}")
    text = report(aq.Study(folder), tmp_path / "page.html").read_text()
    assert "Of 40 runs 2 damaged, 1 to come, 1 not finished: the page shows what is there." in text
    assert "evaluations.jsonl, line 1: not JSON, so the file was changed since" in text
    assert "seed-3/config.json" in text
    assert re.findall(r"<td>(9|10)</td>", text) == ["9", "9", "10", "9"]
    assert HOSTILE not in text
    assert "<img" not in text
    assert Outline(text).open == []
    assert set(re.findall(r'href="([^#"]{2,24})', text)) == {"./javascript%3Aalert%281"}
    for file in folder.glob("settings/*/*/episodes.jsonl"):
        file.unlink()
    assert "No run has finished an episode yet" in report(aq.Study(folder)).read_text()


def test_several_environments_are_the_table_of_a_paper(tmp_path: Path) -> None:
    ahead = {("CartPole-v1", "max"): 5.0}
    vary = {"env.id": ("CartPole-v1", "Acrobot-v1"), "agent.bootstrap": ("max", "double")}
    folder = scored_study(tmp_path / "study", vary, lambda env, rule, spread: 10 + ahead.get((env, rule), 0.0) + spread)
    text = report(aq.Study(folder)).read_text()
    table = text[text.index('id="paper"') : text.index("</table>")]
    rows = re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', table)
    assert [name for name, _ in rows] == ["dqn, bootstrap max", "dqn, bootstrap double"]
    assert [[cell.startswith("<strong>") for cell in re.findall("<td>(.*?)</td>", own)] for _, own in rows] == [
        [True, True],
        [False, True],
    ]
    assert "\\textbf{15.0 [14." in text
    assert "<strong>bootstrap max</strong> is better than bootstrap double" in text


def test_settings_and_runs_are_compared(study: Path, argmaxq: Command) -> None:
    code, out, err = argmaxq("compare", str(study), "--format", "json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert [each["label"] for each in found["settings"]][1:3] == [
        "capacity 1000, gamma 0.99",
        "capacity 2000, gamma 0.9",
    ]
    np.testing.assert_allclose(found["settings"][3]["scores"], 125 + SPREAD)
    run = scored(Path("run"), 0.0)
    out = argmaxq("compare", str(study), str(run))[1]
    assert f"{study}: capacity 2000, gamma 0.99" in out
    assert out.count("beats") == 4
    (run / "config.json").write_text("{}")
    assert argmaxq("report", str(study), str(run), "--out", "page.html")[0] == 0
    text = Path("page.html").read_text()
    assert "Not shown: run/config.json" in text
    assert "grid: capacity 2000, gamma 0.99" in text
    assert argmaxq("report", str(run))[0] == 2
    assert "a page follows one run or study" in argmaxq("report", str(study), str(run), "--follow")[2]


def test_a_page_follows_a_study_until_it_is_finished(study: Path, tmp_path: Path) -> None:
    folder, pages = tmp_path / "grid", list[str]()
    shutil.copytree(study, folder, ignore=shutil.ignore_patterns("page.html"))
    done = folder / "groups" / "000" / "done.json"
    done.parent.mkdir(parents=True)

    def open_study() -> aq.Study:
        if (folder / "page.html").exists():
            pages.append((folder / "page.html").read_text())
            done.write_text("{}")
        return aq.Study(folder)

    path = follow(open_study, every=0.0, say=lambda _: None)
    assert "data-live" in pages[0]
    assert "data-live" not in path.read_text()


def test_what_is_not_finished_is_scored_at_the_step_that_all_have_come_to(tmp_path: Path) -> None:
    study = scored_study(tmp_path / "study", {GAMMA: ("0.9", "0.99")}, lambda gamma, seed: 100, 3)
    for seed in study.glob("settings/001/seed-*"):
        (seed / "summary.json").unlink()
        lines = (seed / "evaluations.jsonl").read_text().splitlines(keepends=True)
        (seed / "evaluations.jsonl").write_text("".join(lines[:2]))
    for page in (report(aq.Study(study)), report([aq.Study(study)], out=tmp_path / "compared.html")):
        text = page.read_text()
        assert "last greedy evaluation, up to step 200, which all have come to" in text
        assert "is better than" not in text


def test_the_command_repeats_the_study() -> None:
    vary, given = {"agent.bootstrap": ("max", "double"), GAMMA: ("0.9", "0.99")}, [("agent.replay", "prioritised")]
    settings = settings_of(["cartpole/dqn"], vary, given)
    config = {"name": "cartpole/dqn", "recipe": to_json(settings[0].recipe)}
    line, _ = study_command({"cartpole/dqn": config}, {path: list(each) for path, each in vary.items()}, (3, 4))
    words = shlex.split(line)
    assert words[:3] == ["argmaxq", "study", "cartpole/dqn"]
    assert words[-4:] == ["--seed", "3", "--seeds", "2"]
    again = settings_of(words[2:3], varied([words[4], words[6]]), read(words[7:-4]))
    assert [each.recipe for each in again] == [each.recipe for each in settings]
    assert study_command({"own": config}, {}, (0,))[0] == ""


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_in_a_browser(study: Path, chromium: Browser, width: int, dark: bool) -> None:
    chromium.open(report(aq.Study(study)), width, dark=dark)
    assert chromium.complaints() == []
    assert chromium.run("document.documentElement.scrollWidth") == width
    drawn = "[...document.querySelectorAll('.chart .plot, .map')].filter(f => f.checkVisibility())"
    assert min(chromium.run(f"{drawn}.map(f => f.getBoundingClientRect().height)")) > 80
    point = "const svg = document.querySelector('.small .chart svg'), box = svg.getBoundingClientRect();"
    move = "svg.dispatchEvent(new PointerEvent('pointermove', {clientX: box.right - 9, clientY: box.top + 9}));"
    told = chromium.run(f"(() => {{ {point} {move} return document.getElementById('tip').innerText; }})()")
    assert told.startswith("capacity 2000")
    assert re.search(r"122\.5 \[12\d", told)
