"""The results in docs/results are of full runs of what stands here, and docs/reproductions.md says of them what they say."""

import json
import re
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

import pytest

from refimpl.experiments import REPRODUCTIONS

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "reproductions.md").read_text(encoding="utf-8")


def result_of(name):
    return json.loads((DOCS / "results" / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", REPRODUCTIONS)
def test_result_is_of_a_full_run_with_these_settings(name):
    found = result_of(name)
    config = import_module(REPRODUCTIONS[name].module).Config()
    assert found["name"] == name
    assert found["config"] == json.loads(json.dumps(asdict(config)))
    assert found.get("seeds", []) == list(range(found["config"].get("seeds", 0)))
    text = (DOCS / "results" / f"{name}.txt").read_text(encoding="utf-8")
    assert text.rstrip().endswith(f"Verdict: {found['verdict']}.")
    assert f"{found['minutes']:.1f} minutes" in text


@pytest.mark.parametrize("name", REPRODUCTIONS)
def test_page_says_what_the_result_says(name):
    found = result_of(name)
    (row,) = re.findall(rf"^\| X.*\[`{name}`\].*$", PAGE, flags=re.MULTILINE)
    seeds = str(found["config"]["seeds"]) if "seeds" in found["config"] else "–"
    cells = [cell.strip() for cell in row.split("|")[1:-1]]
    assert cells[4:] == [found["verdict"], seeds, f"{found['minutes']:.1f}"]
    assert f"```{{literalinclude}} results/{name}.txt" in PAGE
    assert f"\nrefimpl reproduce {name}\n" in PAGE


def test_every_picture_is_shown_and_every_result_is_of_a_reproduction():
    shown = re.findall(r"^!\[.{20,}\]\(results/(.+\.png)\)$", PAGE, flags=re.MULTILINE)
    files = {path.name for path in (DOCS / "results").iterdir()}
    pictures = {name for name in files if name.endswith(".png")}
    assert sorted(shown) == sorted(pictures)
    assert files - pictures == {f"{name}{suffix}" for name in REPRODUCTIONS for suffix in (".txt", ".json")}
    assert all((DOCS / "results" / name).read_bytes().startswith(b"\x89PNG\r\n\x1a\n") for name in pictures)
    for name in REPRODUCTIONS:
        assert any(picture.startswith(f"{name}-") for picture in pictures)


def test_pages_versions_are_those_of_the_results():
    for name in REPRODUCTIONS:
        v = result_of(name)["versions"]
        assert f"Python {v['python']}, NumPy {v['numpy']}, SciPy {v['scipy']}" in " ".join(PAGE.split())
