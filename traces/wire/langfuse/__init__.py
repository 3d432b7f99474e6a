"""Langfuse's own protocol, below `/api/public/`: the events of its SDKs Python 2 and JS 3, scores and media.

https://api.reference.langfuse.com; read off its Python SDKs 2.60.10 and 5.0.4. Attributes: `conventions.langfuse`.
"""
