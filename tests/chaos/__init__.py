"""Chaos: a whole fleet of processes works while everything around it is killed, and then the books are audited."""
