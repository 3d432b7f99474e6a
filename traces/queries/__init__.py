"""Reading: each function's SQL stands above it, and gives back typed rows of one project."""
