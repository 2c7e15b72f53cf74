"""What `import refimpl` costs in a fresh interpreter: seconds, NumPy included, and memory of the whole process after it.

refimpl imports its parts when they are first used, so those of a first session are measured as well, for information. Heavy modules
are scipy, matplotlib, rich, torch and jax.
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
from benchmarks.resident import resident
print(json.dumps([seconds, resident("VmRSS"), [m for m in {heavy} if m in sys.modules]]))
"""


def rows(rounds, only):
    first_session = "import refimpl.nn, refimpl.optim, refimpl.papers.hyperspherical_energy"
    for name, statement in (("numpy", "import numpy"), ("refimpl", "import refimpl"), ("a first session", first_session)):
        if only not in name:
            continue
        barred = name == "refimpl"
        runs = [measured(f"import numpy; {statement}") for _ in range(2 * rounds + 1)][1:]  # the first fills the file cache
        yield figure(f"import of {name}", [r[0] for r in runs], "<= 0.08" if barred else "", "s")
        yield figure(f"import of {name}: memory", [r[1] for r in runs], "<= 30" if barred else "", "MB")
        heavy, bar = sorted({m for r in runs for m in r[2]}), "<= 0" if barred else ""
        n = len(heavy)
        yield Row(f"import of {name}: heavy modules", "", ", ".join(heavy) or "none", n, n, n, bar)


def measured(statement):
    """Seconds, MB and heavy modules of one import."""
    code = CHILD.format(statement=statement, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], env=environment(1), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)
