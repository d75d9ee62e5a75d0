"""What travels to the server and back: messages, frames, the pipe."""
