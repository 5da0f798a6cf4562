"""Speed side by side with other libraries: ``make bench``, or this script where both are installed.

Every repeat measures all sides one after the other, so that a slow minute of the machine falls on all of them. Results
go to ``benchmarks/results``: ``latest.json`` with every sample, ``performance.md`` with the table.
"""

import argparse
import json
import tempfile
from pathlib import Path

from comparisons import COMPARISONS, QUICK, Workload
from measure import HERE, Sample
from saving import about, add_option, save
from tables import HEADINGS, as_json, markdown, results, show


def take_samples(names: list[str], workload: Workload, repeats: int) -> dict[str, list[Sample]]:
    """Samples of each comparison, in rounds."""
    samples: dict[str, list[Sample]] = {name: [] for name in names}
    for repeat in range(repeats):
        for name in names:
            with tempfile.TemporaryDirectory(prefix=f"argmaxq-{name}-") as folder:
                samples[name].append(COMPARISONS[name].sample(workload, repeat, Path(folder)))
            values = ", ".join(f"{key} {value:.4g}" for key, value in samples[name][-1].items())
            print(f"{repeat + 1}/{repeats} {name}: {values}", flush=True)
    return samples


def write(folder: Path, samples: dict[str, list[Sample]], repeats: int, saved: Path | None) -> None:
    """Print the table and write it as JSON and Markdown."""
    rows, where = results(samples), {"repeats": repeats, **about()}
    show(rows)
    protocol = f"medians of {repeats} repeats, each of all sides one after the other; ratios: their median and range"
    lines = [dict(zip(HEADINGS, row.cells, strict=True)) for row in rows]
    save(saved, protocol, {name: name for name in HEADINGS}, lines, samples)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "latest.json").write_text(json.dumps(as_json(rows, where, samples), indent=2) + "\n")
    (folder / "performance.md").write_text(markdown(rows, where))
    print(f"Written to {folder / 'latest.json'} and {folder / 'performance.md'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=COMPARISONS, default=list(COMPARISONS))
    parser.add_argument("--quick", action="store_true", help="tiny workloads, to try the benchmark itself")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    add_option(parser)
    arguments = parser.parse_args()
    samples = take_samples(arguments.only, QUICK if arguments.quick else Workload(), arguments.repeats)
    write(arguments.out, samples, arguments.repeats, arguments.save)


if __name__ == "__main__":
    main()
