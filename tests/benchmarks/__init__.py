"""Speed and memory against the promises of the project and against PyTorch and JAX: a command, not a test. See README.md."""
