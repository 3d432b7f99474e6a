"""What is done with the attributes of a span, worked out from their names alone: the same few sets of them come again
and again, and looking each name up in each span took twice as long.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from traces.conventions.rules import CONTENT, FIELD, GROUP, PARAMETER, Use, uses_of
from traces.conventions.table import SLOTS, Content
from traces.conventions.values import Reader
from traces.records import Json

_DEEPEST_NAME: Final = 20  # members; a name of a thousand dots is no message
# Names are the sender's: neither many sets of them nor long ones may fill the memory.
_MOST_PLANS: Final = 1_000
_LONGEST_NAMES: Final = 8_000  # characters of one set


@dataclass(frozen=True, slots=True)
class Place:
    """A place where a payload field may stand: one attribute, or all those of a flattened group.

    `tree`: of a group, its names in the shape that they describe.
    """

    rank: int
    content: Content
    names: tuple[str, ...]
    tails: tuple[str, ...] = ()
    tree: Json = None

    def value(self, attributes: Mapping[str, Json]) -> Json:
        """What the sender put there."""
        if not self.tails:
            return attributes[self.names[0]]
        said = [attributes[name] for name in self.names]
        if dict in map(type, said):  # its members then count as if they were flattened too
            return unflattened(zip(self.tails, said, strict=True))
        return _filled(self.tree, attributes)

    def attributes(self, attributes: Mapping[str, Json]) -> dict[str, Json]:
        """What it is made of."""
        return {name: attributes[name] for name in self.names}


Rivals = tuple[tuple[str, tuple[Use, ...], bool], ...]  # name, uses, and whether it is part of a place too


@dataclass(frozen=True, slots=True, eq=False)
class Contest:
    """One slot that several attributes are good for, and for nothing else; all are read alike, but for the kind.

    It equals only itself, so that it is cheap to look up.
    """

    slot: str
    place: int
    names: tuple[str, ...]
    read: Reader
    rivals: Rivals


@dataclass(frozen=True, slots=True)
class Plan:
    """Where each attribute goes.

    `fields` and `parameters`: name, slot and reader of those that are good for one slot, and alone in that.
    `contests`: those that are beside others for their only slot, all read alike. `kinds`: those for the kind, whose
    word may be kept, where they are for nothing else. `rivals`: the others, beside others or with several uses.
    `places`: payload fields, in the order of SLOTS, the best place of each first. `unknown`: what no table knows.
    """

    fields: tuple[tuple[str, str, Reader], ...]
    parameters: tuple[tuple[str, str, Reader], ...]
    contests: tuple[Contest, ...]
    kinds: Contest | None
    rivals: Rivals
    places: dict[str, list[Place]]
    unknown: tuple[str, ...]


_plans: dict[tuple[str, ...], Plan] = {}


def plan_of(names: tuple[str, ...]) -> Plan:
    """The plan for attributes of these names, in this order."""
    plan = _plans.get(names)
    if plan is None:
        plan = _planned(names)
        if sum(map(len, names)) <= _LONGEST_NAMES:
            if len(_plans) >= _MOST_PLANS:
                _plans.clear()
            _plans[names] = plan
    return plan


def _planned(names: Iterable[str]) -> Plan:
    uses = {name: uses_of(name) for name in names}
    wanted: dict[tuple[int, str], list[str]] = {}
    for name, of_name in uses.items():
        for use in of_name:
            wanted.setdefault((use.place, use.slot), []).append(name)
    alone: dict[int, list[tuple[str, str, Reader]]] = {FIELD: [], PARAMETER: []}
    contests: list[Contest] = []
    settled: set[str] = set()
    for (place, slot), several in wanted.items():
        of_slot = [use for name in several for use in uses[name]]
        if place not in alone or len(of_slot) > len(several):  # one of them is good for more
            continue
        read = of_slot[0].read
        if len(several) == 1 and slot != "kind":
            alone[place].append((several[0], slot, read))
        elif slot == "kind" or all(use.read is read for use in of_slot):
            contests.append(Contest(slot, place, tuple(several), read, _rivals(several, uses)))
        else:
            continue
        settled.update(several)
    return Plan(
        tuple(alone[FIELD]),
        tuple(alone[PARAMETER]),
        tuple(contest for contest in contests if contest.slot != "kind"),
        next((contest for contest in contests if contest.slot == "kind"), None),
        _rivals([name for name in uses if name not in settled], uses),
        _places(uses),
        tuple(name for name, of_name in uses.items() if not of_name),
    )


def _rivals(names: Iterable[str], uses: Mapping[str, tuple[Use, ...]]) -> Rivals:
    """Those of `names` that are good for fields or parameters."""
    of_names = ((name, tuple(use for use in uses[name] if use.place in (FIELD, PARAMETER))) for name in names)
    return tuple((name, said, len(said) < len(uses[name])) for name, said in of_names if said)


def _places(uses: Mapping[str, tuple[Use, ...]]) -> dict[str, list[Place]]:
    found: dict[str, list[Place]] = {}
    groups: dict[int, list[tuple[str, Use]]] = {}  # by rank, which is the group's own
    for name, of_name in uses.items():
        for use in of_name:
            if use.place == CONTENT:
                found.setdefault(use.slot, []).append(Place(use.rank, use.content, (name,)))
            elif use.place == GROUP:
                groups.setdefault(use.rank, []).append((name, use))
    for members in groups.values():
        use = members[0][1]
        names, tails = tuple(name for name, _ in members), tuple(one.tail for _, one in members)
        tree = unflattened(zip(tails, names, strict=True))
        found.setdefault(use.slot, []).append(Place(use.rank, use.content, names, tails, tree))
    for places in found.values():
        places.sort(key=lambda place: place.rank)
    return {slot: found[slot] for slot in SLOTS if slot in found}


def _filled(tree: Json, attributes: Mapping[str, Json]) -> Json:
    """A tree of names as the tree of their values."""
    if isinstance(tree, str):
        return attributes[tree]
    if isinstance(tree, list):
        return [_filled(below, attributes) for below in tree]
    return {
        step: attributes[below] if isinstance(below, str) else _filled(below, attributes)
        for step, below in tree.items()
    }


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
