"""One contender in a process of its own: it reads a request a line, and answers a line in JSON.

    {"make": config, "file": path}    build the workload, write what it computes to the file; answers the seconds of one call
    {"burst": k}                      k calls; answers wall and CPU seconds of one
    {"call": name, "config": config}  the workload's function of that name, once; answers what it returns

A missing library answers {"absent": name}, any other failure {"error": traceback}.
"""

import importlib
import json
import os
import sys
import time
import traceback

import numpy as np


def seconds(call, k):
    """Wall and CPU time of one call, as the mean of k."""
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(k):
        call()
    return {"wall": (time.perf_counter() - wall) / k, "cpu": (time.process_time() - cpu) / k}


def main(module, contender, core):
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    if core != "any" and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core)})
    call = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            workload = importlib.import_module(f"benchmarks.{module}")
            if "make" in request:
                call, outcome = workload.make(contender, **request["make"])
                np.savez(request["file"], *outcome())
                call()
                answer = seconds(call, 1)
            elif "burst" in request:
                answer = seconds(call, request["burst"])
            else:
                answer = getattr(workload, request["call"])(**request["config"])
        except ModuleNotFoundError as e:
            answer = {"absent": e.name}
        except Exception:
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
