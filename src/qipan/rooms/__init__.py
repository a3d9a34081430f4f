"""The subjects, one room each, on floors (pyproject.toml, contract "floors")."""
