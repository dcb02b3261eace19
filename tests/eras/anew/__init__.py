"""Migrations that begin again where the old ones were thrown away."""
