"""The import wizard: file → what we understood → preview → run → totals and rejects; and the batches there are."""
