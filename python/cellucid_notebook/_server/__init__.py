"""The Node server of this kernel: found, started, watched, asked."""
