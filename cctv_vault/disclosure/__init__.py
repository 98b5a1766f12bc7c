"""Requests for footage: the law as data, the way of a request, and what is handed over."""
