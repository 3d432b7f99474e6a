"""Opik's own protocol, below `/v1/private/`: JSON to RawSpan and Score.

https://github.com/comet-ml/opik (apps/opik-documentation, REST API); read off its Python SDK 2.2.122.
"""
