"""The demonstration city: Sanmenxia's census margins and area tree, and synthetic people, facts and days."""
