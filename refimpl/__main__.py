"""The command line: parses and prints, nothing else."""

from __future__ import annotations

import argparse
import inspect
import os
import sys
import tempfile
from pathlib import Path

from refimpl import __version__


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="refimpl", description="Papers on the geometry and the landscape of neural networks, executable and checkable."
    )
    p.add_argument("--version", action="version", version=f"refimpl {__version__}")
    commands = p.add_subparsers(dest="command", required=True)

    v = commands.add_parser(
        "verify", help="test every statement of a paper, or of all", description="Test the statements of the papers on refimpl."
    )
    v.add_argument("paper", nargs="?", help="name of a paper, or substrate; default: all that stand")
    v.add_argument("--claim", metavar="ID", action="append", help="one claim only")
    v.add_argument("--case", metavar="NAME=VALUE,...", help="with --claim: one case, as a failure prints it")
    draws = "random cases of each claim (default 50; 500 with --thorough), of which the table counts those that suit the claim"
    v.add_argument("--draws", type=int, metavar="N", help=draws)
    v.add_argument("--seed", type=int, default=0, metavar="S", help="seed of the cases (default 0)")
    v.add_argument("--thorough", action="store_true", help="larger domains, and the slow claims too")
    v.add_argument("--single", action="store_true", help="in float32, with the claims' float32 tolerances")
    v.add_argument(
        "--coverage", action="store_true", help="list the claims that are promised but not stated; exit 1 if there are any"
    )
    v.add_argument("--list", action="store_true", help="list the claims and run none")
    v.add_argument("--json", metavar="FILE", type=Path, help="write the table to FILE as well")

    s = commands.add_parser(
        "show", help="one claim: its statement, where it stands, its code", description="Read a claim beside its paper."
    )
    s.add_argument("id", help="such as H4")

    r = commands.add_parser(
        "reproduce", help="a paper's table or figure beside ours", description="Reproduce a published table or figure."
    )
    r.add_argument("name", nargs="?", help="which; without it, the names are listed")
    r.add_argument("--quick", action="store_true", help="a smaller run, under a minute")
    r.add_argument("--seeds", type=int, metavar="N", help="number of seeds")
    r.add_argument("--workers", type=int, metavar="N", help="processes to use")
    r.add_argument("--dask", metavar="ADDRESS", help="work on a dask cluster; its scheduler's address, such as tcp://10.0.0.1:8786")
    out = "write table, figures and JSON into DIR; a sweep keeps its finished jobs there as well, and goes on from them"
    r.add_argument("--out", metavar="DIR", type=Path, help=out)
    r.add_argument("--json", metavar="FILE", type=Path, help="write the result to FILE")

    commands.add_parser("doctor", help="versions, threads and linear algebra this installation uses")
    return p


def main(argv: list[str] | None = None) -> int:
    """Run one command. Returns 0; 1 if a claim fails, or a reproduction differs; 2 on bad input; 130 if interrupted."""
    args = parser().parse_args(argv)
    if args.command != "doctor":
        from refimpl.experiments.processes import one_thread

        one_thread()
    try:
        return {"verify": verify, "show": show, "reproduce": reproduce, "doctor": doctor}[args.command](args)
    except BrokenPipeError:  # | head
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  nobody reads what Python still flushes at the end
        return 0
    except KeyboardInterrupt:
        print(f"refimpl {args.command}: interrupted", file=sys.stderr)
        return 130
    except (ValueError, TypeError, OSError) as e:
        print(f"refimpl {args.command}: {e}", file=sys.stderr)
        return 2


def verify(args) -> int:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from refimpl import claims
    from refimpl.files import write_whole

    if args.claim and len(args.claim) > 1:
        raise ValueError(f"claim: expected one, got {' and '.join(args.claim)}; a paper's name runs all of its claims")
    args.claim = args.claim[0] if args.claim else None

    if args.coverage:
        stated = claims.selected(args.paper, args.claim)
        absent = [id for id in claims.absent() if args.paper is None or id[0] == claims.paper_named(args.paper).prefix]
        for name, p in claims.PAPERS.items():
            if name not in {claims.paper_of(c) for c in stated}:
                continue
            print(f"{name}: {p.prefix}1 to {p.prefix}{p.promised}, {sum(c.id[0] == p.prefix for c in claims.of(name))} stated")
        print("absent: " + (", ".join(absent) or "none"))
        return 1 if absent else 0
    if args.list:
        for c in claims.selected(args.paper, args.claim):
            print(f"{c.id:<5}{'(thorough) ' if c.slow else ''}{c.statement}  [{c.source}]")
        return 0
    writable(args.json)
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("verify", total=None)

        def progress(done, of, claim):
            bar.update(task, completed=done, total=of, description=f"{claim.id:<4}")

        report = claims.verify(
            args.paper,
            claim=args.claim,
            case=args.case,
            draws=args.draws,
            seed=args.seed,
            thorough=args.thorough,
            single=args.single,
            progress=progress,
        )
    out = Console()
    if out.is_terminal:
        out.print(report)
        print("\n".join(["", report.summary(), *report.remarks(), *report.details()]))
    else:
        print(report)
    slow = [c.id for c in claims.selected(args.paper, args.claim) if c.slow and not (args.thorough or args.claim)]
    if slow:
        print(f"Left out, as they take long: {', '.join(slow)}; --thorough runs them.")
    if args.json:
        write_whole(args.json, f"{report.to_json()}\n".encode())
    return 0 if report.ok else 1


def show(args) -> int:
    from rich.console import Console
    from rich.syntax import Syntax

    from refimpl import claims

    c = claims.find(args.id)
    print(f"{c.id}  {c.statement}\n")
    print(f"   paper      {claims.paper_of(c)}\n   where      {c.source}")
    print(f"   tolerance  {c.tolerance:.1e}" + (f", float32 {c.single:.1e}" if c.single else ""))
    if c.false_alarm:
        print(f"   statistic  residual is -log10 p; fails by chance with probability {c.false_alarm:.0e}")
    print("   drawn      " + (", ".join(f"{k} in {v}" for k, v in c.domains.items()) or "nothing"))
    if c.thorough:
        print("   thorough   " + ", ".join(f"{k} in {v}" for k, v in c.thorough.items()))
    if c.catches:
        print(f"   catches    {c.catches}")
    print(f"   run        refimpl verify --claim {c.id}\n")
    source = inspect.getsource(c.function)
    out = Console()
    if out.is_terminal:
        out.print(Syntax(source, "python", theme="ansi_dark", word_wrap=True))
    else:
        print(source)
    return 0


def reproduce(args) -> int:
    from refimpl import experiments
    from refimpl.files import write_whole
    from refimpl.report.progress import progress_bar

    if args.name is None:
        if args.quick or args.seeds or args.workers or args.dask or args.out or args.json:
            raise ValueError(f"name: expected one of {', '.join(experiments.REPRODUCTIONS)}, got none")
        width = max(map(len, experiments.REPRODUCTIONS)) + 2
        for name, about in experiments.REPRODUCTIONS.items():
            print(f"{name:<{width}}{about}")
        return 0
    if args.out:
        usable("--out", args.out, "a folder")
    writable(args.json)
    store = args.out / f"{args.name}.jsonl" if args.out else None
    if store and store.exists():
        print(f"finished jobs are taken from {store}; to run all of them, remove it first", file=sys.stderr)
    options = {"quick": args.quick, "seeds": args.seeds, "workers": args.workers, "dask": args.dask}
    with progress_bar(args.name, transient=True) as progress:
        result = experiments.reproduce(args.name, **options, store=store, progress=progress)
    print(result.table())
    if args.quick:
        print("A quick run: smaller than the one that the decision was made for.")
    if args.out:
        for path in experiments.save(result, args.out, args.name):
            print(f"wrote {path}")
    if args.json:
        write_whole(args.json, f"{result.to_json()}\n".encode())
    return 1 if result.verdict == "differs" else 0


def doctor(args) -> int:
    """What speed and reproducibility depend on: versions, the linear algebra behind NumPy, its kernels and threads."""
    import numpy as np

    from refimpl.report.table import versions

    for name, v in versions().items():
        print(f"{name:<12}{v}")
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    print(f"{'blas':<12}{blas.get('name', 'unknown')} {blas.get('version', '')}".rstrip())
    print(f"{'processors':<12}{os.cpu_count()}")
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_CORETYPE"):
        print(f"{variable:<24}{os.environ.get(variable, 'not set')}")
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        print("threadpoolctl is not installed; with it, this shows which kernels the linear algebra picked")
    else:
        for pool in threadpool_info():
            print(f"{pool['internal_api']:<12}{pool['num_threads']} threads, kernels for {pool.get('architecture', 'unknown')}")
    flags = Path("/proc/cpuinfo")
    if flags.exists() and "avx512f" in flags.read_text() and "OPENBLAS_CORETYPE" not in os.environ:
        print("This processor has AVX-512. If OpenBLAS runs kernels for Haswell, OPENBLAS_CORETYPE=SkylakeX, set before Python,")
        print("makes matrix products up to twice as fast; the last bits of results change with it.")
    return 0


def writable(path: Path | None) -> None:
    """ValueError, before the work, if no file can be written there."""
    if path is not None:
        if path.is_dir():
            raise ValueError(f"--json: expected a file in a folder that can be written to, got {path}")
        usable("--json", path.parent, "a file in a folder", make=False)


def usable(option: str, folder: Path, what: str, make: bool = True) -> None:
    """ValueError, before the work, if nothing can be written into the folder; it is made if need be."""
    try:
        if make:
            folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as e:
        raise ValueError(f"{option}: expected {what} that can be written to, got {folder}: {e.strerror}") from None


if __name__ == "__main__":
    sys.exit(main())
