"""The notebook around a viewer: its comm, its cells, its outputs."""
