"""Pages of people: pseudonyms; who they are is opened for a purpose, and logged."""
