"""Pages of units, task forces, duty and accounts."""
