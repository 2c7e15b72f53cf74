"""Sphinx configuration. `sphinx-build -W docs docs/_build` makes the site; nothing in it is fetched when it is read."""

import inspect
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from importlib import import_module
from pathlib import Path
from types import ModuleType

import jupytext

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import refimpl  # noqa: E402  (found by the line above)

project = "refimpl"
author = "refimpl contributors"
copyright = f"2026, {author}"
version = release = refimpl.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.mathjax", "sphinx.ext.viewcode", "numpydoc", "myst_nb"]
exclude_patterns = ["_build"]
highlight_language = "none"  # equations in docstrings are not Python; fences say what they are

# ---- the page
html_theme = "pydata_sphinx_theme"
html_title = "refimpl"
html_static_path = ["_static"]
html_css_files = ["refimpl.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars: dict[str, list[str]] = {"**": []}  # the tables need the width; the bar above leads everywhere

# ---- mathematics
myst_enable_extensions = ["dollarmath", "amsmath", "deflist", "colon_fence"]
myst_heading_anchors = 3

MATHJAX = "mathjax@3.2.2"
MATHJAX_FILES = re.compile(r"package/es5/(tex-mml-chtml\.js|output/chtml/fonts/woff-v2/.+)|package/(LICENSE)")


def fetch_mathjax(into: Path) -> None:
    """The one file and the fonts that the pages need, out of the package's archive."""
    if shutil.which("npm") is None:
        raise RuntimeError("docs: npm fetches MathJax and is not installed; REFIMPL_DOCS_CDN=1 builds pages that load it when read")
    with tempfile.TemporaryDirectory() as temporary:
        subprocess.run(["npm", "pack", "--silent", MATHJAX], cwd=temporary, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(next(Path(temporary).glob("*.tgz"))) as archive:
            archive.extractall(temporary, filter="data")
        for path in Path(temporary, "package").rglob("*"):
            found = MATHJAX_FILES.fullmatch(path.relative_to(temporary).as_posix())
            if found and path.is_file():
                target = into / (found[1] or found[2])
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)


if not os.environ.get("REFIMPL_DOCS_CDN"):
    if not (HERE / "_static" / "mathjax" / "tex-mml-chtml.js").exists():
        fetch_mathjax(HERE / "_static" / "mathjax")
    mathjax_path = "mathjax/tex-mml-chtml.js"

# ---- notebooks: written as .py, converted here, executed once in the build
nb_execution_mode = "cache"
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_merge_streams = True


def convert_notebooks(source: Path, into: Path) -> None:
    """Each percent file as a notebook, in place of what an earlier build left."""
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    for path in sorted(source.glob("*.py")):
        notebook = jupytext.read(path, fmt="py:percent")
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        for k, cell in enumerate(notebook.cells):
            cell["id"] = f"cell-{k}"  # the same in every build, so that the cache knows them
        jupytext.write(notebook, into / f"{path.stem}.ipynb")


convert_notebooks(HERE.parent / "notebooks", HERE / "notebooks")

# ---- docstrings
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say them, with shapes
add_module_names = False
autodoc_default_options = {"members": True}
numpydoc_show_class_members = False


def in_reading_order(package: ModuleType) -> list[str]:
    """The public names of a package in the order in which its docstring names their modules, then as they stand there."""
    order = (package.__doc__ or "").lower().partition("reading order")[2]

    def place(name):
        thing = getattr(package, name)
        home = re.search(rf"\b{getattr(thing, '__module__', '').rpartition('.')[2]}\b", order)
        try:
            line = inspect.getsourcelines(thing)[1]
        except TypeError:  # data
            line = 0
        return home.start() if home else len(order), line

    return sorted(package.__all__, key=place)


for name in (
    *("papers.hyperspherical_energy", "papers.exponential_neuron", "papers.born_infeld", "papers.relu_existence"),
    *("papers.reduced_space", "nn", "optim", "gradcheck", "interop", "experiments", "datasets"),
):
    package = import_module(f"refimpl.{name}")
    if hasattr(package, "__all__"):
        package.__all__ = in_reading_order(package)  # type: ignore[attr-defined]


def read_as_written(app, what, name, obj, options, lines):
    """Indented paragraphs (equations, tables of symbols) are shown as they stand, and | and * are letters, not markup."""
    out, literal, before = [], None, 0
    for k, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if line.strip():
            new_paragraph = k > 0 and not lines[k - 1].strip()
            if literal is not None and indent <= literal:
                literal = None
                if not new_paragraph:
                    out.append("")
            if literal is None and k > 0 and indent > before and (new_paragraph or what == "module"):
                out += ["", " " * before + "::", ""]
                literal = before
            before = indent if literal is None else literal
            if literal is None:
                parts = re.split(r"(``.+?``|`.+?`)", line)
                line = "".join(p if p.startswith("`") else re.sub(r"([|*])", r"\\\1", p) for p in parts)
        out.append(line)
    lines[:] = out


def skip_fields(app, what, name, obj, skip, options):
    """The fields of a NamedTuple are described by its comments, not by 'alias for field number 0'."""
    return True if type(obj).__name__ == "_tuplegetter" else skip


def setup(app):
    app.connect("autodoc-process-docstring", read_as_written, priority=100)  # before numpydoc reads them
    app.connect("autodoc-skip-member", skip_fields)
