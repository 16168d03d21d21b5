"""Sightline: one model that knows pictures and words, for its whole life."""
