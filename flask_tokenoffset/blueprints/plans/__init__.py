"""The plan and its history."""
