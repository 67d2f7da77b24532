"""What one does with a logger: provision, arm, mark, stop, read out."""
