"""Vocabulary shared by every floor: enums, value objects, codes. Standard library only."""
