"""The dashboard: Sotto in a browser. A client of the gateway's event socket, and of nothing else."""
