"""The warehouse file: one writer, one transaction per package. No Dagster, no HTTP, no rules."""
