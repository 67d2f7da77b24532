"""The report for people: one content, as a web page and as a PDF, in three languages."""
