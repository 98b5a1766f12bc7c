"""Sites, cameras, recordings, the index in time, and every way footage is looked at."""
