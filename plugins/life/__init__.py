"""A plugin's life: its stages, what it does on each, and what it earned."""
