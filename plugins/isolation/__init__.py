"""Keeps a plugin's failures its own: guards, time budgets, and processes for plugins nobody vouches for."""
