"""Taking files in: watcher, stable, identified, probed, sealed, indexed; or quarantined."""
