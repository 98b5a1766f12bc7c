"""The portal: a listener of its own for strangers, without sessions and without staff pages."""
