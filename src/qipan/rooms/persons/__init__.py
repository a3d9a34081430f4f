"""People as pseudonyms, and the identity vault."""
