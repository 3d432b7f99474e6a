"""What every app may use and what knows none of them: time ranges, page helpers, number formats."""
