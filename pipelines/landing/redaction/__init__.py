"""Taking personal data out of packages, on arrival and afterwards: the one exception to "as received"."""
