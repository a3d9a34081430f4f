"""The rulebook language, the shipped books and both evaluators. Pure: no Django, no clock, no randomness."""
