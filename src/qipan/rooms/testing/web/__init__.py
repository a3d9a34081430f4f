"""Pages of test results."""
