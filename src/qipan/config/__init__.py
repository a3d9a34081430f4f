"""Settings and root wiring: knows everything, decides nothing."""
