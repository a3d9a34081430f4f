"""The access matrix: the world, the tables, the callers (tests/test_access_matrix.py)."""
