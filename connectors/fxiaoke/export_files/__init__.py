"""Export files of Fxiaoke (纷享销客) as a source: what a person downloads and drops into the inbox.

`content`, `archive`, `sheet_scan`, `workbook`, `text`, `peek` and `probe` know files and no Fxiaoke;
`labels`, `recognise`, `layout`, `cells`, `keys` and `rows` know exports; `source` puts them together.
"""
