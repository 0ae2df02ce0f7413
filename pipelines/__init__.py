"""The wiring: from a source's pages to the published marts."""
