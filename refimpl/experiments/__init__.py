"""Published tables and figures beside ours, by name: `refimpl reproduce NAME`.

A reproduction is a module with a frozen `Config`, whose defaults are the full run, `QUICK`, a smaller one, and
`run(config, rng, workers) -> Result`. A Result has `verdict`, one of VERDICTS, `table()`, `figures()` and `to_json()`. What decides
the verdict is fixed before the run, and stands in the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

MOST = 100_000  # seeds, or workers: all streams are made before the first is used

# worst first: a whole is as good as its worst part
VERDICTS = ("differs", "not reproduced", "inconclusive", "agrees")


class Reproduction(NamedTuple):
    """Where a reproduction stands, and what it is. Prints as the latter."""

    module: str
    about: str

    def __str__(self) -> str:
        return self.about


MHE = "refimpl.experiments.hyperspherical_energy"
BI = "refimpl.experiments.born_infeld"
REPRODUCTIONS = {
    "thomson": Reproduction(f"{MHE}.thomson", "minimal energies of electrons on a sphere beside the published, and a trap"),
    "mhe-energy-curve": Reproduction(
        f"{MHE}.energy_curve", "energies of layers in training, with the energy in the objective or not"
    ),
    "mhe-test-error": Reproduction(f"{MHE}.new_data", "test error with the energy and without, seed by seed"),
    "mhe-width": Reproduction(f"{MHE}.width", "whether narrow networks gain more from the energy"),
    "mhe-half-vs-full": Reproduction(f"{MHE}.half_full", "half space against full space, at equal weights and at equal forces"),
    "mhe-imbalance": Reproduction(f"{MHE}.imbalance", "where the classifier of a rare class comes to stand"),
    "mhe-chord-angular": Reproduction(f"{MHE}.chord_angular", "the minima of distances are not those of angles"),
    "bi-measure": Reproduction(f"{BI}.measure", "where trajectories spend their time, beside the microcanonical measure"),
    "bi-pde": Reproduction(f"{BI}.pde", "a differential equation on the disk, solved by a network, scaled"),
    "bi-digits": Reproduction(f"{BI}.digits", "the digits by Born-Infeld descent, momentum and Adam, over all step sizes"),
    "bi-thomson": Reproduction(f"{BI}.spheres", "electrons on a sphere by Born-Infeld motion, restarts and basin hopping"),
    "bi-energy": Reproduction(f"{BI}.energy", "what each integrator does to the conserved energy"),
    "bi-zakharov": Reproduction(f"{BI}.zakharov", "a narrow valley in ten dimensions, and how finely the step must be tuned"),
    "bi-ackley": Reproduction(f"{BI}.ackley", "escapes from local minima by bounces"),
    "bi-multibasin": Reproduction(f"{BI}.multibasin", "which of two equally deep minima is entered first"),
    "bi-shallow-valley": Reproduction(f"{BI}.shallow_valley", "how the number of iterations grows with the condition number"),
}


def reproduce(name: str, quick: bool = False, seeds: int | None = None, workers: int | None = None) -> Any:
    """Run a reproduction and return its Result.

    Parameters
    ----------
    name : str
        One of REPRODUCTIONS.
    quick : bool
        A smaller run, under a minute.
    seeds : int, optional
        How many seeds, or random starts of each search.
    workers : int, optional
        Processes to use. Results do not depend on it, so far as matrix products do not depend on the threads of linear algebra: of
        several workers each has one.

    Raises
    ------
    ValueError
        If there is no such reproduction, or seeds or workers are not between 1 and MOST.
    """
    if name not in REPRODUCTIONS:
        raise ValueError(f"name: expected one of {', '.join(REPRODUCTIONS)}, got {name!r}")
    for option, value in (("seeds", seeds), ("workers", workers)):
        if value is not None and not 1 <= value <= MOST:
            raise ValueError(f"{option}: expected 1 to {MOST}, got {value}")
    module = import_module(REPRODUCTIONS[name].module)
    config = module.QUICK if quick else module.Config()
    return module.run(config if seeds is None else config.with_seeds(seeds), workers=workers or 1)


def save(result: Any, out: str | Path, name: str) -> Iterator[Path]:
    """Write NAME.txt, NAME.json and a PNG for each figure into the folder `out`; yields each path when it is written."""
    from refimpl.files import write_whole

    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    for suffix, text in ((".txt", result.table()), (".json", result.to_json())):
        path = out / f"{name}{suffix}"
        write_whole(path, f"{text}\n".encode())
        yield path
    for title, figure in result.figures().items():
        path, picture = out / f"{name}-{title}.png", BytesIO()
        figure.savefig(picture, dpi=150)
        write_whole(path, picture.getvalue())
        yield path
