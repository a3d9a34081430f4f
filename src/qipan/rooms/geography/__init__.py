"""The area tree and its populations."""
