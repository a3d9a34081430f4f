"""What every room uses and that has no subject of its own."""
