"""Transports: each takes one `Message` to one address, or raises TransportError.

A new one is a module with `send(message: Message) -> None`, a line here, and a walk in `alerts/tests`.
"""

from typing import Final

# Dotted paths, so that a transport's client library is loaded only by those who send.
TRANSPORTS: Final = {"email": "alerts.transports.email.send"}
