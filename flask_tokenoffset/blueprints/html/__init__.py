"""Renders pages: templates, navigation, charts."""
