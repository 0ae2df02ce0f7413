"""The spreadsheets that the company's managers keep, written as people write them."""
