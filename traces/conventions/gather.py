"""One pass over a span's attributes: what the tables know goes where they say, everything else is kept."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from traces.conventions.plans import Contest, Place, Rivals, plan_of
from traces.conventions.rules import FIELD, PARAMETER, PLAIN_WORDS, Use, uses_of
from traces.records import Json

_TEXTS: Final = {str}
_LONGEST_WORD: Final = 100  # characters; there are few words for kinds, but senders may write anything


@dataclass(slots=True)
class Gathered:
    """What was found. `kept` is what no field holds; `places` are payload fields still to be read, best first."""

    fields: dict[str, Json]
    parameters: dict[str, Json]
    places: Mapping[str, list[Place]]
    kept: dict[str, Json]


Hits = dict[str, tuple[Use, Json, str, Json]]  # what was read, and the attribute that it was read from


def gather(attributes: Mapping[str, Json]) -> Gathered:
    """Sort the attributes of one span. A value that cannot be read as its field is kept as an attribute."""
    plan = plan_of(tuple(attributes))
    kept = {name: attributes[name] for name in plan.unknown}
    fields: dict[str, Json] = {}
    parameters: dict[str, Json] = {}
    for found, steps in ((fields, plan.fields), (parameters, plan.parameters)):
        for name, slot, read in steps:
            value = attributes[name]
            said = read(value)
            if said is None:
                kept[name] = value
            else:
                found[slot] = said
    for contest in plan.contests:
        _decide(contest, attributes, parameters if contest.place == PARAMETER else fields, kept)
    if plan.kinds is not None:
        _tell_kind(plan.kinds, attributes, fields, kept)
    if plan.rivals:
        of_fields, of_parameters = _settled(plan.rivals, attributes, kept)
        fields.update((slot, hit[1]) for slot, hit in of_fields.items())
        parameters.update((slot, hit[1]) for slot, hit in of_parameters.items())
        if "kind" in of_fields:
            _keep_word(of_fields["kind"], kept)
    return Gathered(fields, parameters, plan.places, kept)


def _decide(contest: Contest, attributes: Mapping[str, Json], found: dict[str, Json], kept: dict[str, Json]) -> None:
    """Read what several attributes say of one slot: nearly always all the same."""
    value = attributes[contest.names[0]]
    its_type = type(value)
    for name in contest.names:
        other = attributes[name]
        if other != value or type(other) is not its_type:
            break
    else:
        if (its_type is str or its_type is int) and (said := contest.read(value)) is not None:
            found[contest.slot] = said
            return
    for hits in _settled(contest.rivals, attributes, kept):
        found.update((slot, hit[1]) for slot, hit in hits.items())


def _tell_kind(contest: Contest, attributes: Mapping[str, Json], found: dict[str, Json], kept: dict[str, Json]) -> None:
    words = tuple([attributes[name] for name in contest.names])
    are_short = {*map(type, words)} == _TEXTS and max(map(len, words)) <= _LONGEST_WORD
    kind, left = (_kind_said if are_short else _kind_said.__wrapped__)(contest, words)
    if kind is not None:
        found["kind"] = kind
    for name in left:
        kept[name] = attributes[name]


@lru_cache(maxsize=1_024)
def _kind_said(contest: Contest, words: tuple[Json, ...]) -> tuple[str | None, tuple[str, ...]]:
    """The kind by these words of the attributes of `contest`, and the attributes that are kept beside it."""
    kept: dict[str, Json] = {}
    fields, _ = _settled(contest.rivals, dict(zip(contest.names, words, strict=True)), kept)
    hit = fields.get("kind")
    if hit is None:
        return None, tuple(kept)
    _keep_word(hit, kept)
    return hit[1], tuple(kept)


def gather_more(fields: dict[str, Json], prefix: str, members: Mapping[str, Json]) -> None:
    """Fill what `fields` lacks from the members of a JSON object, each as if it were an attribute `<prefix><name>`."""
    ranked: dict[str, int] = {}
    for name, value in _one_deeper(members):
        for use in uses_of(prefix + name):
            said = use.read(value) if use.place == FIELD else None
            if said is not None and (use.slot not in fields or ranked.get(use.slot, -1) > use.rank):
                fields[use.slot], ranked[use.slot] = said, use.rank


def _one_deeper(members: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    """Members, and those of members that are objects by `<name>.<inner name>`."""
    for name, value in members.items():
        yield name, value
        if isinstance(value, dict):
            yield from ((f"{name}.{inner}", said) for inner, said in value.items())


def _settled(rivals: Rivals, attributes: Mapping[str, Json], kept: dict[str, Json]) -> tuple[Hits, Hits]:
    """What holds the fields, and the parameters, that several attributes are good for; the losers are kept."""
    fields: Hits = {}
    parameters: Hits = {}
    for name, uses, taken in rivals:
        value = attributes[name]
        for use in uses:
            said = use.read(value)
            if said is None:
                continue
            hits = parameters if use.place == PARAMETER else fields
            have = hits.get(use.slot)
            if have is None:
                hits[use.slot] = (use, said, name, value)
                taken = True
            else:
                taken |= _rival((use, said, name, value), have, hits, kept)
        if not taken:
            kept[name] = value
    return fields, parameters


def _rival(
    hit: tuple[Use, Json, str, Json], have: tuple[Use, Json, str, Json], hits: Hits, kept: dict[str, Json]
) -> bool:
    """Whether the value is held by a field now. Of two that say different things the lesser stays an attribute."""
    use, said, name, _ = hit
    if have[2] == name:
        return True
    if use.rank < have[0].rank:
        hits[use.slot] = hit
        if have[1] != said:
            kept[have[2]] = have[3]
        return True
    return bool(have[1] == said)


def _keep_word(hit: tuple[Use, Json, str, Json], kept: dict[str, Json]) -> None:
    """Keep the sender's word for the kind where it says more than the kind."""
    _, _, name, value = hit
    if (name, str(value).lower()) not in PLAIN_WORDS:
        kept[name] = value
