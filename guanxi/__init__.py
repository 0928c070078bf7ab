"""The front door: public names for plugin authors, settings, the command line."""
