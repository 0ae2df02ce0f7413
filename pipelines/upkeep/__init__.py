"""What keeps a home well: verify, prune, backup, restore, forget. Knows every room; no room knows it."""
