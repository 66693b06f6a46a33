"""Disposable containers: images, working copies, and what runs in them."""
