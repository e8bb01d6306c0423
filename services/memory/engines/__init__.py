"""Indexes of vectors, each behind the port in `services.memory.vectors`."""
