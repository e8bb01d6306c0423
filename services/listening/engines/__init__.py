"""Engines of listening; each imports its native library when it is made."""
