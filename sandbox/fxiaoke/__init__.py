"""Fxiaoke (纷享销客) as a person meets it: the export files of its objects."""
