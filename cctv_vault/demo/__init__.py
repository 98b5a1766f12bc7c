"""The demonstration: drawn cameras, the story told on the terminal, and the living shop."""
