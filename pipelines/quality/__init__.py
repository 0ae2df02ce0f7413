"""Judges packages: rules from `expectations/`, facts from DuckDB, the verdict from Great Expectations.

The only importer of great_expectations, inside functions: importing it costs seconds, and a run in which
nothing changed must not pay them. Never here: Dagster, reading packages from disk, writing accepted or
quarantined rows (landing), the warehouse, and rules themselves (they are data, in `expectations/`).
"""
