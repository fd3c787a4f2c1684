"""Postgres, where the truth is. Statements move many rows at once and every move is guarded by the table of allowed
moves; what leaves this folder are values, never rows."""
