"""What an AnnData or MuData in memory means: its cells, columns, matrices, colours, and their versions."""
