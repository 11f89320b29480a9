"""The paper: what it reports, and the pictures and tables made beside it."""
