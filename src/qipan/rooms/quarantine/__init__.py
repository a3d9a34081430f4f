"""Sites, rooms, stays."""
