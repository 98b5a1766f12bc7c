"""Retention: purposes and policy, the pure rules, grants and purpose keys, holds, the sweep."""
