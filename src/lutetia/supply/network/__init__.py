"""Which irradiation, batch and route serves which patient."""
