"""The remote service as we call it. What the server may have done with a POST is decided here, once."""
