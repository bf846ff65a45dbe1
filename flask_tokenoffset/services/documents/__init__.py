"""Legal texts in versions, their publication, and their acceptance."""
