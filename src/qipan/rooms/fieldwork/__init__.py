"""The grid worker's list for today."""
