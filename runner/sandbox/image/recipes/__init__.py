"""The recipes for images: one file each."""
