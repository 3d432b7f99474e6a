"""One pass over a span's attributes: what the tables know goes where they say, everything else is kept."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from traces.conventions.rules import CONTENT, EXACT, FIELD, GROUP, PARAMETER, PLAIN_WORDS, Use, uses_of
from traces.conventions.table import Content
from traces.records import Json

_DEEPEST_NAME = 20  # members; a name of a thousand dots is no message


@dataclass(slots=True)
class Place:
    """A place where a payload field may stand, with the attributes that it is made of."""

    rank: int
    content: Content
    value: Json
    attributes: dict[str, Json]


@dataclass(slots=True)
class Gathered:
    """What was found. `kept` is what no field holds; `places` are payload fields still to be read, best first."""

    fields: dict[str, Json] = field(default_factory=dict)
    parameters: dict[str, Json] = field(default_factory=dict)
    places: dict[str, list[Place]] = field(default_factory=dict)
    kept: dict[str, Json] = field(default_factory=dict)


Hits = dict[str, tuple[Use, Json, str, Json]]  # what was read, and the attribute that it was read from

Groups = dict[int, list[tuple[Use, str, Json]]]  # by rank, which is the group's own


def gather(attributes: Mapping[str, Json]) -> Gathered:
    """Sort the attributes of one span. A value that cannot be read as its field is kept as an attribute."""
    found = Gathered()
    fields: Hits = {}
    parameters: Hits = {}
    groups: Groups = {}
    read_at_once = {FIELD: fields, PARAMETER: parameters}
    for name, value in attributes.items():
        taken = False
        for use in EXACT.get(name) or uses_of(name):
            hits = read_at_once.get(use.place)
            if hits is None:
                taken = True
                _set_aside(use, name, value, groups, found)
            elif (said := use.read(value)) is None:
                continue
            elif use.slot in hits:
                taken |= _rival((use, said, name, value), hits, found)
            else:  # nearly always: spelled out here, because a call costs more than it does
                hits[use.slot] = (use, said, name, value)
                taken = True
        if not taken:
            found.kept[name] = value
    found.fields = {slot: hit[1] for slot, hit in fields.items()}
    found.parameters = {slot: hit[1] for slot, hit in parameters.items()}
    if "kind" in fields:
        _keep_word(fields["kind"], found)
    _add_groups(groups, found)
    return found


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


def _set_aside(use: Use, name: str, value: Json, groups: Groups, found: Gathered) -> None:
    """Contents are read when the span's kind is known, groups when all of their members are there."""
    if use.place == CONTENT:
        found.places.setdefault(use.slot, []).append(Place(use.rank, use.content, value, {name: value}))
    elif use.place == GROUP:
        groups.setdefault(use.rank, []).append((use, name, value))


def _rival(hit: tuple[Use, Json, str, Json], hits: Hits, found: Gathered) -> bool:
    """Whether the value is held by a field now. Of two that say different things the lesser stays an attribute."""
    use, said, name, _ = hit
    have = hits[use.slot]
    if have[2] == name:
        return True
    if use.rank < have[0].rank:
        hits[use.slot] = hit
        if have[1] != said:
            found.kept[have[2]] = have[3]
        return True
    return bool(have[1] == said)


def _keep_word(hit: tuple[Use, Json, str, Json], found: Gathered) -> None:
    """Keep the sender's word for the kind where it says more than the kind."""
    _, _, name, value = hit
    if (name, str(value).lower()) not in PLAIN_WORDS:
        found.kept[name] = value


def _add_groups(groups: Groups, found: Gathered) -> None:
    for members in groups.values():
        use = members[0][0]
        tree = unflattened((one.tail, value) for one, _, value in members)
        place = Place(use.rank, use.content, tree, {name: value for _, name, value in members})
        found.places.setdefault(use.slot, []).append(place)


def unflattened(members: Iterable[tuple[str, Json]]) -> Json:
    """`0.message.role` and its like as the tree that they describe. Lists with holes are closed, in their order."""
    root: dict[str, Json] = {}
    for tail, value in members:
        steps = tail.split(".", _DEEPEST_NAME)
        node = root
        for step in steps[:-1]:
            below = node.get(step)
            if not isinstance(below, dict):
                below = node[step] = {}
            node = below
        if not isinstance(node.get(steps[-1]), dict):
            node[steps[-1]] = value
    return _listed(root)


def _listed(node: Json) -> Json:
    if not isinstance(node, dict):
        return node
    members = {name: _listed(below) for name, below in node.items()}
    if members and all(name.isascii() and name.isdigit() and len(name) < 10 for name in members):
        return [members[name] for name in sorted(members, key=int)]
    return members
