"""The desk of background work: what runs, what came of it, what can be done about it."""
