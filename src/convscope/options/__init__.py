"""The options of every command, declared once: one record a command, light to import."""
