"""The first page: the board, and every number with what stands behind it."""
