"""The desk of the log: who did what, when, to what, for which purpose; and that nobody changed it since."""
