"""Messages that leave: by mail and by webhook, with a reference and a link and nothing else."""
