"""What `make bench*` runs."""
