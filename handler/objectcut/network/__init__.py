"""Mask R-CNN: its weights, its layers and what it finds."""
