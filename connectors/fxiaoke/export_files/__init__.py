"""Export files of Fxiaoke (纷享销客) as a source: what a person downloads and drops into the inbox.

`labels`, `recognise`, `layout`, `columns`, `keys` and `rows` know exports; `connectors.core.files` knows files;
`source` puts them together.
"""
