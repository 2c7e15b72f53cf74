"""Time and measure refimpl against its promises and its peers: print a table, and exit with 1 if a bar is missed."""

import argparse
import json
import os
import platform
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

NAMES = ("energy", "mlp", "cnn", "exponential_neuron", "sweep", "born_infeld", "relu_existence", "thomson", "memory", "startup")
COLUMNS = "{:<56}{:>10}  {:<26}{:>9}{:>9}{:>9} {:<3} {:<10}{}"


def machine():
    """What the figures depend on."""
    found = {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count()}
    for name in ("refimpl", "numpy", "scipy", "torch", "jax"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def text(row):
    """A row as a line of the table."""
    numbers = ["–" if x is None else f"{x:.3f}" if 1e-3 <= x < 10 else f"{x:.3g}" for x in (row.median, row.low, row.high)]
    met = {True: "met", False: "MISSED", None: "not measured" if row.bar else ""}[row.met]
    return COLUMNS.format(row.workload, row.ours, row.peer, *numbers, row.unit, row.bar, met).rstrip()


def main() -> int:
    p = argparse.ArgumentParser(prog="python tests/benchmarks", description=__doc__)
    p.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(NAMES)} or all (default)")
    p.add_argument("--rounds", type=int, default=7, metavar="N", help="rounds of interleaved bursts (default 7)")
    p.add_argument("--only", default="", metavar="TEXT", help="rows whose workload contains TEXT")
    p.add_argument("--json", metavar="FILE", help="write the figures there as well")
    args = p.parse_args()
    if args.rounds < 1 or set(args.names) - {*NAMES, "all"}:
        p.error(f"expected rounds >= 1 and names among {', '.join(NAMES)}, all; got {args.rounds} and {args.names}")
    chosen = [n for n in NAMES if n in args.names or "all" in args.names or not args.names]
    about = machine()
    print(", ".join(f"{k} {v}" for k, v in about.items()))
    rows = []
    for name in chosen:
        workload = import_module(f"benchmarks.{name}")
        print(f"\n{name}: {(workload.__doc__ or '').strip()}\n")
        print(COLUMNS.format("workload", "ours", "peer", "median", "min", "max", "", "bar", ""))
        for row in workload.rows(args.rounds, args.only):
            print(text(row), flush=True)
            rows.append(row)
    if args.json:
        Path(args.json).write_text(json.dumps({"about": about, "rounds": args.rounds, "rows": [r.data() for r in rows]}, indent=1))
    barred = [r for r in rows if r.bar]
    unmeasured = sum(r.met is None for r in barred)
    missed = sum(r.met is False for r in barred)
    print(f"\n{len(barred)} bars: {len(barred) - missed - unmeasured} met, {missed} missed, {unmeasured} not measured")
    if unmeasured:
        print("PyTorch, JAX or mpmath were absent: pip install '.[test,peers]'")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
