"""The benchmarks of `docs/benchmarks.md`, one module each, run by `qipan bench`."""
