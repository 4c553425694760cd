"""Receive, queue, analyse, show."""
