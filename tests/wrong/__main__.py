"""python tests/wrong [--seeds N] [--assign]: judge the corpus and print the counts.

--assign prints, for each wrong entry, every claim that rejects it: what its `by` may name.
"""

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices, and a process on every core

from wrong.corpus import all_entries, misjudged, rejecting


def main() -> int:
    p = argparse.ArgumentParser(prog="python tests/wrong", description=__doc__.splitlines()[0])
    p.add_argument("--seeds", type=int, default=10, metavar="N", help="seeds to judge each entry with (default 10)")
    p.add_argument("--workers", type=int, default=os.cpu_count() or 1, metavar="N", help="processes (default: one a core)")
    p.add_argument("--assign", action="store_true", help="print which claims reject each wrong entry, for one seed")
    p.add_argument("--only", default="", metavar="TEXT", help="entries whose name or paper contains TEXT")
    args = p.parse_args()
    entries = [e for e in all_entries() if args.only in e.name or args.only in e.paper]
    if args.assign:
        for e in entries:
            if e.flag == "reject":
                print(f"{e.paper:<24}{e.name:<44}{','.join(rejecting(e)) or 'NONE'}", flush=True)
        return 0
    missed: list[tuple] = []
    blamed: list[tuple] = []
    with ProcessPoolExecutor(min(args.workers, len(entries)), mp_context=get_context("spawn")) as pool:
        found = pool.map(misjudged, [all_entries().index(e) for e in entries], [args.seeds] * len(entries))
        for k, (e, wrongly) in enumerate(zip(entries, found, strict=True)):
            print(f"\r{k + 1}/{len(entries)} {e.name:<60}", end="", file=sys.stderr, flush=True)
            (missed if e.flag == "reject" else blamed).extend((e.name, *w) for w in wrongly)
    print("\r" + " " * 70 + "\r", end="", file=sys.stderr)
    wrong = sum(e.flag == "reject" for e in entries)
    caught = wrong * args.seeds - len({m[:2] for m in missed})
    accepted = wrong * args.seeds - caught
    print(f"{wrong} wrong implementations x {args.seeds} seeds: {caught} rejected, {accepted} accepted {missed or ''}".rstrip())
    right = len(entries) - wrong
    print(f"{right} right but unusual x {args.seeds} seeds: {len({b[:2] for b in blamed})} rejected {blamed or ''}".rstrip())
    return 1 if missed or blamed else 0


if __name__ == "__main__":
    sys.exit(main())
