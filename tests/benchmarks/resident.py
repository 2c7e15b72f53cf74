"""Resident memory of this process; imports next to nothing, so that reading it changes nothing."""

import sys


def resident(field):
    """MB now ("VmRSS") or at the peak ("VmHWM"); where there is no /proc, the peak for both."""
    try:
        with open("/proc/self/status") as status:  # not getrusage: its peak includes the process that this one was forked from
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith(field))
    except FileNotFoundError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)
