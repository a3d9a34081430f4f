"""Pages of quarantine sites: the room board, arrivals, stays, releases."""
