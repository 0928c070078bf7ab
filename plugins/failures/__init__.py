"""Tells a plugin's owner of its failures, and of no customer."""
