"""Links in messages, and what following one does."""
