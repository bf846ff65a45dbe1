"""What the host brings: its users, its login, its mailer."""
