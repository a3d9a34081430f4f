"""Pages of field work: the grid worker's list for a phone, the area's work, the visits."""
