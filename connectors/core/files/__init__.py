"""Files of rows that people drop into a folder: which are complete, what they are, and their cells.

Knows files and no CRM: spreadsheets and text by content, hostile ones refused within bounded time and memory,
cells as text, dates and numbers as people write them. What a column means is for the source to say.
"""
