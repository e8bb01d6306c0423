"""How the model that is always there is made: what it learns, from what, how it becomes a file, how it is tested."""
