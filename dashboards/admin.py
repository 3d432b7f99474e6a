"""Nothing here is kept in tables of its own yet: panels are code, and numbers are the rollups'."""
