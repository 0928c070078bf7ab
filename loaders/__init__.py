"""Files to graph: formats, validation, import, and the sample bank."""
