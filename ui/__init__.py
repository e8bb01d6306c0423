"""What a person sees of Sotto: the command line now, the dashboard beside it."""
