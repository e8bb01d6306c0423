"""What sound really comes from and goes to: devices, files, pipes, and the echo canceller."""
