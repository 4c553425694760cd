"""The web: receive radiographs, analyse them in a worker, show the results."""
