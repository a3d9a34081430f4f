"""Who may see and do what, where: users, the scoping of querysets, the demand for a permission."""
