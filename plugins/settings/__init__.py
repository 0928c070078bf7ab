"""A plugin's settings: their models, where they come from, and their changes at run time."""
