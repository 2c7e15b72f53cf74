"""The documentation is complete and resolves: papers' tables, API pages, notebooks."""

import ast
import contextlib
import inspect
import io
import re
from importlib import import_module
from pathlib import Path

import pytest

import refimpl
from refimpl import claims

DOCS = Path(__file__).parents[1] / "docs"
NOTEBOOKS = DOCS.parent / "notebooks"
PAPERS = [name for name in claims.PAPERS if name != "substrate"]
HEADER = ["equation", "function", "claim", "note"]


def rows(paper):
    """The rows of every table *equation, function, claim, note* of a paper's page, as lists of four cells."""
    found, inside = [], False
    for line in (DOCS / "papers" / f"{paper}.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if cells == HEADER:
            inside = True
        elif not cells:
            inside = False
        elif inside and not set("".join(cells)) <= set("-: "):
            found.append(cells)
    return found


def resolve(name, room):
    """What a dotted name says: from the package's top, or else from the paper's module."""
    thing = refimpl if name.startswith("refimpl.") else room
    for part in name.removeprefix("refimpl.").split("."):
        thing = getattr(thing, part)
    return thing


def functions_named(row):
    return [name.partition("(")[0] for name in re.findall(r"`([^`]+)`", row[1])]


def claims_named(row):
    """H1, H3-H5 and the like, written out."""
    found = []
    for prefix, first, last in re.findall(r"\b([LHNBER])(\d+)(?:\s*[-–]\s*[LHNBER]?(\d+))?", row[2]):
        found += [f"{prefix}{k}" for k in range(int(first), int(last or first) + 1)]
    return found


@pytest.mark.parametrize("paper", PAPERS)
def test_every_row_of_the_papers_table_resolves(paper):
    room = import_module(f"refimpl.papers.{paper}")
    table = rows(paper)
    assert table, f"docs/papers/{paper}.md has no table {' | '.join(HEADER)}"
    for row in table:
        assert len(row) == 4, row
        assert functions_named(row) or claims_named(row), f"names neither a function nor a claim: {row}"
        for name in functions_named(row):
            assert resolve(name, room) is not None
        for id in claims_named(row):
            claims.find(id)


@pytest.mark.parametrize("paper", PAPERS)
def test_code_on_the_page_of_a_paper_runs_and_prints_what_its_comments_say(paper):
    page = (DOCS / "papers" / f"{paper}.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL))  # one block goes on from the last
    stdout = io.StringIO()
    with contextlib.redirect_stdout(stdout):
        exec(compile(code, f"{paper}.md", "exec"), {"__name__": "__main__"})
    said = [line.partition("  # ")[2] for line in code.splitlines() if line.startswith("print(")]
    assert stdout.getvalue().splitlines() == said


@pytest.mark.parametrize("paper", PAPERS)
def test_every_public_function_of_a_paper_has_a_row(paper):
    room = import_module(f"refimpl.papers.{paper}")
    named = {name.rpartition(".")[2] for row in rows(paper) for name in functions_named(row)}
    public = {name for name in room.__all__ if inspect.isfunction(getattr(room, name))}
    assert public
    assert public - named == set()


@pytest.mark.parametrize("paper", PAPERS)
def test_every_claim_of_a_paper_has_a_row(paper):
    named = {id for row in rows(paper) for id in claims_named(row)}
    assert {c.id for c in claims.of(paper)} - named == set()


def documented():
    pages = [page.read_text(encoding="utf-8") for page in sorted((DOCS / "api").glob("*.md"))]
    return [module for page in pages for module in re.findall(r"^\.\. automodule:: (\S+)", page, flags=re.MULTILINE)]


@pytest.mark.parametrize("module", documented())
def test_api_page_is_of_a_module_that_says_what_it_is(module):
    assert inspect.getdoc(import_module(module))


@pytest.mark.parametrize("module", documented())
def test_everything_public_in_it_says_what_it_does(module):
    """Sphinx leaves out, without a word, what has no docstring."""
    m = import_module(module)
    public = [getattr(m, name) for name in getattr(m, "__all__", [])] or [f for f in vars(m).values() if inspect.isfunction(f)]
    own = [f for f in public if inspect.isfunction(f) and not f.__name__.startswith("_") and f.__module__.startswith(module)]
    assert [f.__qualname__ for f in own if not inspect.getdoc(f)] == []


def test_every_public_module_has_its_place_in_the_api():
    assert len(documented()) == len(set(documented()))
    modules = {name for name in refimpl.__all__ if name not in ("check", "verify")}
    assert {name for name in modules if not any(m.split(".")[1] == name for m in documented())} == set()
    assert {f"refimpl.papers.{paper}" for paper in PAPERS} <= set(documented())


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.py")), ids=lambda p: p.stem)
def test_notebook_is_in_cells_and_defines_nothing_but_plots(path):
    text = path.read_text(encoding="utf-8")
    assert re.search(r"^# %% \[markdown\]\n# # ", text, flags=re.MULTILINE), "opens with a title in a markdown cell"
    for node in ast.walk(ast.parse(text)):
        assert not isinstance(node, ast.ClassDef), node.name
        if isinstance(node, ast.FunctionDef):
            assert node.name.startswith(("plot", "draw", "show")), node.name


def test_there_is_a_notebook_for_every_paper():
    names = [re.sub(r"^\d+_", "", p.stem) for p in NOTEBOOKS.glob("*.py")]
    assert set(PAPERS) - set(names) == set()
