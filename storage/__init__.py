"""Bytes at rest: the streaming cipher, key wrapping, root keys and blob stores.

This package owns every byte of ciphertext and every key in the vault, and nothing else: it
knows no cameras, purposes, SQL or HTTP, and imports nothing of ``cctv_vault``. `FORMAT.md`
beside this file is the normative description of all it writes.
"""
