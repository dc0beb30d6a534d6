"""Activity at the end of bombardment: cyclotrons, reactors, generators."""
