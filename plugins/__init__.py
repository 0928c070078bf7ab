"""Hook specifications, the plugin host, and the programmes guanxi ships."""
