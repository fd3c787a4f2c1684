"""Celery, the doorbell. A message says "look"; what there is to do is in Postgres.

A message that is lost or comes twice changes nothing.
"""
