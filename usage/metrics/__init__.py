"""What is measured while it happens: who is told of it, and the counts that Prometheus reads."""
