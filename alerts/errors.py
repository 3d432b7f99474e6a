"""What can go wrong while people are told.

* TransportError      the far end did not take a message; `permanent` when trying again is pointless
"""


class TransportError(Exception):
    """Says in one sentence why a message was not sent."""

    def __init__(self, sentence: str, *, permanent: bool = False) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.permanent = permanent
