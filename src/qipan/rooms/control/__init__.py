"""Evidence, decisions, orders, appeals: the heart of the loop."""
