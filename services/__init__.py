"""The services of the assistant, one folder each, and the supervisor that keeps them alive."""
