"""The command line: a thin face over the services; the contract scripts and outside checks use."""
