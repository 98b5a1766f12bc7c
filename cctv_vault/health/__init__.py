"""Whether cameras are well: what is expected of each, what is wrong with it, and who is told."""
