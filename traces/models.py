"""No models: the tables of spans are partitioned and written in batches, so their SQL stands in the open.

* `migrations/0001_tables.py` makes them, `partitions.py` makes and drops their days
* `store.py` writes them; `queries/` reads them; `rollups.py` counts them
"""
