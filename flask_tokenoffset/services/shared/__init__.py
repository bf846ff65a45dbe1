"""Small rules that several features share."""
