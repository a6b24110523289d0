"""The built-in dataset: short pieces composed by rules of their genre and rendered through a soundfont."""
