"""How fast llmobs is: the load, the measurements, and the report in docs/performance.md."""
