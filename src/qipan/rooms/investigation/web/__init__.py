"""Pages of cases, contacts and chains."""
