"""Seven days of traces of a shop that does not exist, for the project `demo`. Pure: no Django, no clock, no network.

* `shop` is the company: goods, rules, models, prompts, releases; `texts` and `scripts` are what people and models say
* `rhythm` says when requests come and when things are broken, `people` who asks
* `draft` writes one trace, `model` one call of a model
* `refunds`, `search`, `chat` and `desk` are its features; `cases` are the traces that happen once
* `week` puts them together
"""
