"""What every part may know: events, clock, ids, settings, errors, logs and PCM. Imports nothing of ours."""
