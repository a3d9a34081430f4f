"""The registry of indicators: computed from facts, never typed in; each day's values are kept."""
