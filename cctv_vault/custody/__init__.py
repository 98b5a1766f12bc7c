"""The custody log: entries, tree, signed checkpoints, proofs; not what the entries mean."""
