"""Messages: the outbox and its sending."""
