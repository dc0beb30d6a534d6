"""What was compared with what, and how far off: `make validate` writes docs/validation.md."""
