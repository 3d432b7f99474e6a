"""Seeded English that compresses about as people's questions and models' answers do."""

import random
from itertools import accumulate

_WORDS = {
    "thing": """parcel invoice kettle bicycle lamp jacket ticket booking hotel room flight seat suitcase garden roof
        kitchen window door heater radiator pump filter engine brake tyre mirror saddle phone tablet keyboard cable
        charger socket password account profile address letter contract lease permit licence certificate passport
        deposit discount voucher receipt statement balance loan mortgage salary pension tax report chapter article
        lecture recipe menu table chair sofa mattress curtain carpet painting camera lens tripod drone printer scanner
        server cluster container volume backup snapshot index query schema column migration branch commit release
        function module package library parser token stack trace thread queue worker message channel webhook field""",
    "act": """open close replace repair return cancel confirm order deliver collect measure compare describe explain
        translate summarise rewrite shorten extend renew upgrade install remove restart unlock reset adjust tighten
        clean paint move store pack weigh label photograph scan print sign stamp forward archive restore merge split
        deploy revert retry cache index migrate encrypt verify charge refund credit transfer split pay claim dispute""",
    "kind": """blue heavy second-hand broken missing wrong late early spare larger smaller cheaper original leather
        wooden wireless waterproof portable seasonal temporary permanent overdue unpaid partial full signed unsigned
        public private shared remote local nightly weekly quarterly annual urgent optional mandatory outdated current
        untested stable fragile noisy silent empty duplicate expired valid regional foreign northern coastal""",
    "when": """today tomorrow yesterday tonight overnight since-Monday every-morning twice-a-week at-noon by-Friday
        before-lunch after-the-holidays in-spring within-the-hour last-month next-quarter once-more never-again
        straight-away eventually""",
}
_SENTENCES = """\
Could you {act} the {kind} {thing} that {name} left with us {when}?
We were told to {act} it {when}, yet the {thing} is still {kind}.
{name} asked whether a {kind} {thing} can be swapped for a {kind} one.
Order {code} lists {number} of the {kind} {thing}, at {money} each.
Whenever the {thing} turns {kind}, {act} it and then {act} the {thing}.
The manual of the {kind} {thing}, page {number}, says that one must {act} it {when}.
As far as {name} knows, nobody may {act} a {thing} without the {kind} {thing}.
It comes to {money}, of which {money} is for the {thing} and the rest for {name}.
My {thing} from {name} arrived {kind}; please {act} it under {code}.
Neither the {thing} nor the {kind} {thing} needs anyone to {act} it {when}.
If that does not help, {act} the {thing}, wait {number} minutes and {act} it again.
According to {name}, the {kind} {thing} will be ready {when}, and {code} can be closed.
Between {number} and {number} people {act} their {thing} {when}, mostly a {kind} one.
Thank you, {name}: I found the {kind} {thing} and can {act} it for {money}.
There are two ways to {act} a {thing}: with a {kind} {thing}, or {when} by hand.
Note {code} from {name} mentions a {kind} {thing}, but not how to {act} it.
Please do not {act} the {thing} before {name} has seen the {kind} {thing}.
For {money} more you get the {kind} {thing}, which {name} can {act} {when}.""".splitlines()
_SYLLABLES = [first + second for first in "bdfghjklmnprstvz" for second in "aeiou"]
_NAMES = 20_000  # rare words, as names, places and products are
_DRAWN_AT_ONCE = 1024


def falling(count: int, slope: float) -> list[float]:
    """Cumulative weights of `count` things, the first far more frequent than the last (Zipf)."""
    return list(accumulate(1 / rank**slope for rank in range(1, count + 1)))


class Words:
    """Sentences without end. Subscripting draws the next word of a kind, so that patterns can be formatted by it."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._words = {kind: text.split() for kind, text in _WORDS.items()}
        names = {"".join(rng.choices(_SYLLABLES, k=rng.randint(2, 5))).title() for _ in range(_NAMES)}
        self._words["name"] = sorted(names, key=lambda name: (len(name), name))
        self._weights = {kind: falling(len(words), 0.6) for kind, words in self._words.items()}
        self._drawn: dict[str, list[str]] = {kind: [] for kind in self._words}

    def __getitem__(self, kind: str) -> str:
        if kind == "number":
            return str(self._rng.randrange(2, 400))
        if kind == "money":
            return f"{self._rng.random() * 900:.2f} euros"
        if kind == "code":
            return f"{self._rng.getrandbits(32):08X}"
        drawn = self._drawn[kind]
        if not drawn:
            drawn += self._rng.choices(self._words[kind], cum_weights=self._weights[kind], k=_DRAWN_AT_ONCE)
        return drawn.pop().replace("-", " ")

    def text(self, characters: int) -> str:
        """Sentences of together at least `characters`."""
        sentences: list[str] = []
        while characters > 0:
            sentences.append(_SENTENCES[int(self._rng.random() * len(_SENTENCES))].format_map(self))
            characters -= len(sentences[-1]) + 1
        return " ".join(sentences)
