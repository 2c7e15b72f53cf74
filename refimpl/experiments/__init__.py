"""Published tables and figures beside ours, by name: `refimpl reproduce NAME`.

A reproduction is a module with a frozen `Config`, whose defaults are the full run, `QUICK`, a smaller one, and
`run(config, rng, workers) -> Result`. A Result has `verdict`, one of VERDICTS, `table()`, `figures()` and `to_json()`. What decides
the verdict is fixed before the run, and stands in the table.

workers is a number of processes, or an executor of concurrent.futures: `each` and `sweep` take both. A run that takes `store` and
`progress` as well hands them to its sweep: `sweep(one, jobs, executor=workers, store=store, progress=progress)`. Every job that is
finished is then kept, and a run that was killed goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib import import_module
from inspect import signature
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from refimpl.experiments.processes import dask_executor

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
EN = "refimpl.experiments.exponential_neuron"
RS = "refimpl.experiments.reduced_space"
RE = "refimpl.experiments.relu_existence"
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
    "one-neuron-landscape": Reproduction(f"{EN}.landscape", "bad minima with the exponential neuron, and where descent then goes"),
    "one-neuron-table1": Reproduction(f"{EN}.table1", "what training comes to, without the exponential neuron and with it"),
    "one-neuron-table2": Reproduction(f"{EN}.table2", "iterations until no training error is left, without the neuron and with it"),
    "one-neuron-table3": Reproduction(f"{EN}.table3", "loss and errors on new data, without the neuron and with it"),
    "one-neuron-mnist": Reproduction(f"{EN}.mnist", "the MNIST rows of those tables; needs the files"),
    "one-neuron-instability": Reproduction(f"{EN}.instability", "noise on the exponential neuron: its law, and what it does"),
    "one-neuron-blowup": Reproduction(f"{EN}.blowup", "whether curvature tells of blow-ups in advance, and what prevents them"),
    "reduced-sin": Reproduction(f"{RS}.oscillation", "an oscillation by reduced and by standard training, and the best there is"),
    "reduced-franke": Reproduction(f"{RS}.franke", "Franke's function by reduced training, standard training, and a control"),
    "reduced-genz": Reproduction(f"{RS}.genz", "a Gaussian peak in four dimensions by the same three"),
    "existence-budget": Reproduction(f"{RE}.budget", "the least loss within a norm budget: ReLU rests, smooth activations do not"),
    "existence-ramps": Reproduction(f"{RE}.ramps", "what two neurons gain over the jump that they tend to, beside its laws"),
    "existence-divergence": Reproduction(f"{RE}.divergence", "descent that runs away towards a jump, and rests otherwise"),
    "existence-trainers": Reproduction(f"{RE}.trainers", "how far trainers stay from the optimum, which is known"),
    "existence-counterexamples": Reproduction(f"{RE}.counterexamples", "what happens without each hypothesis of existence"),
    "existence-collision": Reproduction(f"{RE}.collision", "a jump is two neurons colliding, which a repulsive energy prevents"),
}


def reproduce(
    name: str,
    quick: bool = False,
    seeds: int | None = None,
    workers: int | None = None,
    dask: str | None = None,
    store: str | Path | None = None,
    progress: Callable[[int, int, Any], Any] | None = None,
) -> Any:
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
    dask : str, optional
        Address of the scheduler of a dask cluster, such as "tcp://10.0.0.1:8786", whose workers take the place of processes here.
    store : path, optional
        The file that keeps finished jobs, for the reproductions that sweep; see :func:`refimpl.experiments.sweep.sweep`.
    progress : callable, optional
        As `sweep` takes it, for the same.

    Raises
    ------
    ValueError
        If there is no such reproduction, seeds or workers are not between 1 and MOST, workers are given beside dask, or
        dask.distributed is not installed.
    OSError
        If no scheduler answers at the address.
    """
    if name not in REPRODUCTIONS:
        raise ValueError(f"name: expected one of {', '.join(REPRODUCTIONS)}, got {name!r}")
    for option, value in (("seeds", seeds), ("workers", workers)):
        if value is not None and not 1 <= value <= MOST:
            raise ValueError(f"{option}: expected 1 to {MOST}, got {value}")
    if dask is not None and workers is not None:
        raise ValueError(f"workers: expected none beside dask, whose cluster has its own, got {workers}")
    module = import_module(REPRODUCTIONS[name].module)
    config = module.QUICK if quick else module.Config()
    if seeds is not None:
        config = config.with_seeds(seeds)
    taken = signature(module.run).parameters
    options = {key: value for key, value in (("store", store), ("progress", progress)) if key in taken}
    with ExitStack() as stack:
        executor = (workers or 1) if dask is None else stack.enter_context(dask_executor(dask))
        return module.run(config, workers=executor, **options)


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
