"""Dagster's entry point. It does not change when a source, a stream or a model is added: `defs` discovers them."""

from pipelines.defs import definitions

defs = definitions()
