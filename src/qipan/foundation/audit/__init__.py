"""The log: one hash-chained entry a mutation, in the mutation's own transaction."""
