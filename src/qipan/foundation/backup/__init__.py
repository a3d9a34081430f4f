"""Encrypted, verified backups of the whole database, portable between SQLite and PostgreSQL."""
