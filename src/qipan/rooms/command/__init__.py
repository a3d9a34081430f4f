"""The daily cycle."""
