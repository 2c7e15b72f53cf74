"""The README is true: its commands stand once each, its examples run and print what they say, its excerpt is of our claims.

And what a repository promises without a line of code: its top level, one version, no machine's path in it.
"""

import contextlib
import io
import re
import shlex
import shutil
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest

import refimpl
from refimpl import claims
from refimpl.__main__ import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCES = re.findall(r"^```(\w+)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
PYTHON = [code for language, code in FENCES if language == "python"]
PEERS = ("torch", "jax", "sklearn")


def examples():
    for code in PYTHON:
        needs = [name for name in PEERS if re.search(rf"^(import|from) {name}\b", code, flags=re.MULTILINE)]
        yield pytest.param(code, marks=[pytest.mark.peers] if needs else [], id="-".join(needs) or "numpy")


def tracked():
    """What git keeps or would keep: tracked files, and new ones that are not ignored."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: there is no list of its files")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return sorted({name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()})


# ---- the README
@pytest.mark.parametrize("command", ["pip install . && refimpl verify", "pip install '.[test]' && pytest"])
def test_each_of_the_two_commands_is_one_line(command):
    assert README.splitlines().count(command) == 1


@pytest.mark.parametrize("code", list(examples()))
def test_python_example_runs_and_prints_what_its_comments_say(code):
    stdout = io.StringIO()
    with contextlib.redirect_stdout(stdout):
        exec(compile(code, "README.md", "exec"), {"__name__": "__main__"})
    said = [line.partition("  # ")[2] for line in code.splitlines() if line.startswith("print(") and "  # " in line]
    printed = stdout.getvalue().splitlines()
    assert printed
    if "refimpl.check(" in code:
        assert re.search(" holds | in part ", stdout.getvalue())
        assert "FAILS" not in stdout.getvalue()
    if said:
        assert printed == said


def test_the_readme_has_a_numpy_a_torch_and_a_jax_example():
    assert {p.id for p in examples()} == {"jax", "numpy", "torch"}


@pytest.mark.parametrize("line", sorted(set(re.findall(r"^refimpl (show .+)$", README, flags=re.MULTILINE))))
def test_shown_command_runs(line, capsys):
    assert main(shlex.split(line)) == 0
    c = claims.find(line.split()[-1])
    printed = capsys.readouterr().out
    assert c.statement in printed
    assert f"def {c.function.__name__}(" in printed


def test_every_command_that_is_named_exists():
    """`refimpl WORD ...` in the README: the command line knows WORD; what is reproduced is registered."""
    from refimpl.__main__ import parser

    named = set(re.findall(r"`?refimpl ((?:verify|show|reproduce|check|grade|skeleton|doctor)\b[ \w-]*)", README))
    assert {line.split()[0] for line in named} >= {"verify", "show", "reproduce"}
    for line in named:
        parser().parse_args(line.split())
        if line.startswith("reproduce "):
            from refimpl.experiments import REPRODUCTIONS

            assert line.split()[1] in REPRODUCTIONS


def test_excerpt_of_the_table_is_of_our_claims():
    text = "\n".join(code for language, code in FENCES if language == "text")
    rows = re.findall(r"^([LHNBER]\d+) +(.+?)  +(.*)$", text, flags=re.MULTILINE)
    assert rows, "the README shows no row of the table"
    for id, statement, rest in rows:
        c = claims.find(id)
        assert c.statement.startswith(statement), id
        assert " holds " in rest, id
    count = sum(not c.slow for c in claims.of())
    assert f"\n{count} claims: {count} hold; " in text


def test_papers_said_to_stand_are_those_that_do():
    rows = re.findall(r"^\|.*\| `(\w+)` \| (.+?) \|$", README, flags=re.MULTILINE)
    assert len(rows) == 5
    assert {name for name, state in rows if state == "stands"} == set(claims.PAPERS) - {"substrate"}
    assert {state for _, state in rows} <= {"stands", "in preparation"}


def test_extras_that_the_readme_installs_exist():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    named = {name for group in re.findall(r"'\.\[([\w,]+)\]'", README) for name in group.split(",")}
    assert named
    assert named <= set(extras)
    assert set(extras) == {"test", "peers", "data", "sweep", "coursework", "docs"}


# ---- the repository
def test_top_level_holds_nothing_unexpected():
    top = {name.split("/")[0] for name in tracked()}
    expected = {"pyproject.toml", "refimpl", "tests", "docs", "notebooks", "README.md", "LICENSE", "CITATION.cff"}
    assert {name for name in top if not name.startswith(".")} == expected


def test_version_is_stated_the_same_everywhere():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.+)$", citation, flags=re.MULTILINE) == [refimpl.__version__]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" in project["project"]["dynamic"]
    assert project["tool"]["hatch"]["version"]["path"] == "refimpl/__init__.py"


def test_installed_metadata_is_of_this_version():
    try:
        installed = metadata("refimpl")
    except PackageNotFoundError:
        pytest.skip("refimpl is not installed; the tree is tested in place")
    assert installed["Version"] == refimpl.__version__
    assert installed["License-Expression"] == "BSD-3-Clause"


def test_typed_marker_is_shipped_with_the_package():
    assert (Path(refimpl.__file__).parent / "py.typed").exists()


def test_all_five_papers_are_cited_with_the_same_numbers_everywhere():
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "CITATION.cff", "docs/papers/index.md")]
    numbers = [set(re.findall(r"\b\d{4}\.\d{5}\b", text)) for text in texts]
    assert len(numbers[0]) == 5
    assert numbers[0] == numbers[1] == numbers[2]


FORBIDDEN = {
    "a machine's path": r"(?:^|[^\w.~/-])/(?:home|root|work|Users|mnt)/\w",
    "a package registry": r"index[-_]url|py[p]i\.org|files\.python[h]osted|registry\.npm[j]s|\"resolved\": *\"http|^registry *=",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_tracked_file_names(what):
    found = []
    for name in tracked():
        with contextlib.suppress(UnicodeDecodeError):  # a binary file
            text = (ROOT / name).read_text(encoding="utf-8")
            found += [f"{name}: {m[0]}" for m in re.finditer(FORBIDDEN[what], text, flags=re.MULTILINE)]
    assert [hit for hit in found if not hit.startswith("tests/test_readme.py")] == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a machine's path", "see /home/someone/file"),
        ("a machine's path", "'/work/x'"),
        ("a package registry", "pip install --index-url=x"),
        ("a package registry", "https://py" + "pi.org/simple"),
    ],
)
def test_the_patterns_find_what_they_look_for(what, text):
    assert re.search(FORBIDDEN[what], text, flags=re.MULTILINE)
    assert not re.search(FORBIDDEN[what], "docs/work/x, ~/home, a/root/b, index", flags=re.MULTILINE)
