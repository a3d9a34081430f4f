"""Background jobs in one table, the same on both databases."""
