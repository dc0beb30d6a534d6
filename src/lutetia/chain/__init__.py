"""Workflows that join the rooms: case files in, results out."""
