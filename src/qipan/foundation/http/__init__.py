"""What requests have in common: headers, paging by cursor, tokens, idempotency keys, version tokens."""
