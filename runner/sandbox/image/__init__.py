"""Images that sandboxes start from: found, built by a recipe, listed and removed."""
