"""How the tests run: hypothesis profiles, and skips that say why and can be forbidden."""

import os
from importlib.util import find_spec

import pytest
from hypothesis import settings

from refimpl.experiments.processes import one_thread

one_thread()

settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)  # the same cases in every run
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))

MISSING = [name for name in ("torch", "jax", "sklearn", "distributed") if find_spec(name) is None]


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="run the tests marked slow as well")
    parser.addoption("--no-skips", action="store_true", help="a skipped test fails the run")


def pytest_collection_modifyitems(config, items):
    for item in items:
        if MISSING and item.get_closest_marker("peers"):
            item.add_marker(pytest.mark.skip(reason=f"peers: not installed: {', '.join(MISSING)}"))
        if item.get_closest_marker("slow") and not config.getoption("--slow"):
            item.add_marker(pytest.mark.skip(reason="slow: runs with pytest --slow"))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and session.config.getoption("--no-skips") and reporter.stats.get("skipped") and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    skipped = terminalreporter.stats.get("skipped", [])
    peers = sum("peers: not installed" in str(report.longrepr) for report in skipped)
    if peers:
        terminalreporter.section("comparisons with PyTorch, JAX and scikit-learn did NOT run", sep="!", yellow=True)
        terminalreporter.line(f"{peers} tests were skipped, for want of {', '.join(MISSING)}.")
        terminalreporter.line("To run them: pip install '.[test,peers]' && pytest -m peers")
    if skipped and config.getoption("--no-skips"):
        terminalreporter.section(f"--no-skips: {len(skipped)} skipped, so this run fails", sep="!", red=True)
