"""Rulebooks in force and the tables revised daily."""
