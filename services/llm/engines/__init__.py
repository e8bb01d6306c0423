"""Engines behind the language model's port; each file imports its native library when it is first used."""
