"""The landing zone: immutable packages of what a CRM sent. No Dagster, no warehouse file, no rules."""
