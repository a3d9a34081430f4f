"""Pages of the heart: orders, appeals, the decision explorer, the ledger, replays, the resident's own page."""
