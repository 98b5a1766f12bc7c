"""Pages, the JSON interface and the portal: they call services, never tables, keys or blobs."""
