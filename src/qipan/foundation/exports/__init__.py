"""Rows that leave as files: for a purpose, capped, watermarked, logged."""
