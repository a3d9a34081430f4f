"""Bulk work: a function `partition -> partial result` and a merge, on one of three engines. No Django inside."""
