"""Results in, evidence out."""
