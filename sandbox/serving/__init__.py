"""What the serving rooms share: rows folded from the log, and JSON over HTTP. The truth must not import it."""
