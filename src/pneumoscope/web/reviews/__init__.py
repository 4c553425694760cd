"""What readers say of results: reviews, second readings, adjudication, signed reports."""
