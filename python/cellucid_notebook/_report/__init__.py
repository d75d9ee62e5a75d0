"""What `debug_connection()` says."""
