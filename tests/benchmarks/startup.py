"""What `import refimpl` costs in a fresh interpreter.

Seconds of the import statement, NumPy included, and the resident memory of the whole process after it. refimpl imports its parts when
they are first used, so the parts that a first session uses are measured as well.
"""

from __future__ import annotations

import json
import subprocess
import sys

from benchmarks.rounds import Row, environment, figure

HEAVY = ("scipy", "matplotlib", "rich", "torch", "jax")  # imported where they are used, and not before
CHILD = """
import json, sys, time
start = time.perf_counter()
{statement}
seconds = time.perf_counter() - start
from benchmarks.memory import resident
print(json.dumps([seconds, resident("VmRSS"), [m for m in {heavy} if m in sys.modules]]))
"""


def rows(rounds, only):
    for statement, barred in (
        ("import numpy", False),
        ("import numpy, refimpl", True),
        ("import refimpl.nn, refimpl.optim, refimpl.papers.hyperspherical_energy", True),
    ):
        label = statement.replace("refimpl.papers.hyperspherical_energy", "...energy")
        if only not in label:
            continue
        runs = [measured(statement) for _ in range(2 * rounds + 1)][1:]  # the first fills the file cache
        yield figure(label, [r[0] for r in runs], "<= 0.08" if barred else "", "s")
        yield figure(f"{label}: memory", [r[1] for r in runs], "<= 30" if barred else "", "MB")
        if barred:
            loaded = sorted({m for r in runs for m in r[2]})
            yield Row(f"{label}: of {', '.join(HEAVY)}", "", ", ".join(loaded) or "none", len(loaded), len(loaded), len(loaded), "<= 0", "modules")


def measured(statement):
    """Seconds, MB and heavy modules of one import."""
    code = CHILD.format(statement=statement, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], env=environment(1), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)
