"""Two traces laid beside each other, step by step."""

from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from traces.align import MOST_STEPS, align, key_of, siblings
from traces.tests.told import call, step
from traces.tree import pre_order


def tree(*steps):
    """Steps as (name, parent's place or None), in the order of their moments; a name's first letters say its kind."""
    kinds = {"ll": "llm", "to": "tool", "re": "retrieval"}
    spans = []
    for number, (name, parent) in enumerate(steps, 1):
        fields = {"kind": kinds.get(name[:2], "chain"), "name": name, "at_ms": number}
        spans.append(step(number, None if parent is None else parent + 1, **fields))
    return pre_order(spans)


def told(pairs):
    """The names of both sides."""
    return [tuple(one and one.span.record.name for one in (pair.a, pair.b)) for pair in pairs]


ROOT = ("root", None)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([], [], []),
        ([ROOT], [], [("root", None)]),
        ([ROOT, ("tool", 0)], [ROOT, ("tool", 0)], [("root", "root"), ("tool", "tool")]),
        ([("answer", None)], [("agent", None)], [("answer", "agent")]),
        # A step that only one of them has is a gap, and what follows stays together.
        (
            [ROOT, ("re", 0), ("tool", 0), ("end", 0)],
            [ROOT, ("re", 0), ("end", 0)],
            [("root", "root"), ("re", "re"), ("tool", None), ("end", "end")],
        ),
        (
            [ROOT, ("end", 0)],
            [ROOT, ("tool", 0), ("end", 0)],
            [("root", "root"), (None, "tool"), ("end", "end")],
        ),
        # Another try is paired with the first one.
        ([ROOT, ("llm", 0), ("llm", 0)], [ROOT, ("llm", 0)], [("root", "root"), ("llm", "llm"), ("llm", None)]),
        # Calls and look-ups may have other names; tools may not.
        (
            [ROOT, ("llm a", 0), ("tool a", 0)],
            [ROOT, ("llm b", 0), ("tool b", 0)],
            [("root", "root"), ("llm a", "llm b"), ("tool a", None), (None, "tool b")],
        ),
        # Equal names win over other names, even many of them.
        (
            [ROOT, ("llm a", 0), ("llm b", 0), ("llm x", 0)],
            [ROOT, ("llm x", 0), ("llm c", 0), ("llm d", 0)],
            [
                ("root", "root"), ("llm a", None), ("llm b", None), ("llm x", "llm x"),
                (None, "llm c"), (None, "llm d"),
            ],
        ),
        # What ran at the same time may come in another order.
        (
            [ROOT, ("tool a", 0), ("tool b", 0)],
            [ROOT, ("tool b", 0), ("tool a", 0)],
            [("root", "root"), ("tool a", "tool a"), ("tool b", "tool b")],
        ),
        # A pair lies within a pair: what stands elsewhere in the tree is no counterpart.
        (
            [ROOT, ("one", 0), ("tool", 1)],
            [ROOT, ("two", 0), ("tool", 1)],
            [("root", "root"), ("one", None), ("tool", None), (None, "two"), (None, "tool")],
        ),
    ],
)  # fmt: skip
def test_what_is_the_same_stands_together(a, b, expected):
    assert told(align(tree(*a), tree(*b)).pairs) == expected


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (call(1, name="chat gpt-4o", model_requested="gpt-4o"), ("llm", "chat")),
        (call(1, name="chat  gpt-4o-1", model_requested="gpt-4o", model="gpt-4o-1"), ("llm", "chat -1")),
        (step(1, kind="tool", name="execute_tool refund", tool_name="refund"), ("tool", "refund")),
        (step(1, kind="tool", name="refund"), ("tool", "refund")),
        (step(1, name="answer gpt-4o", model_requested="gpt-4o"), ("chain", "answer gpt-4o")),
    ],
)
def test_what_makes_two_steps_the_same(one, expected):
    assert key_of(one.record) == expected


NAMES = st.sampled_from(["llm a", "llm b", "tool a", "tool b", "re", "end", "end"])


@st.composite
def trees(draw):
    names = draw(st.lists(NAMES, max_size=14))
    above = [draw(st.one_of(st.none(), st.integers(0, at - 1))) if at else None for at in range(len(names))]
    return tree(*zip(names, above, strict=True))


def ids(pair):
    return tuple(one and one.span.span_id for one in (pair.a, pair.b))


@settings(max_examples=200, deadline=None)
@given(trees(), trees())
def test_every_step_appears_once_and_pairs_lie_within_pairs(a, b):
    pairs = align(a, b).pairs
    for side, nodes in (("a", a), ("b", b)):
        shown = [getattr(pair, side) for pair in pairs if getattr(pair, side)]
        assert sorted(node.span.span_id for node in shown) == sorted(node.span.span_id for node in nodes)
        assert all(getattr(pair, side).depth == pair.depth for pair in pairs if getattr(pair, side))
    partner = {pair.a.span.span_id: pair.b and pair.b.span.span_id for pair in pairs if pair.a}
    for pair in pairs:
        if pair.a and pair.b:
            above = pair.a.span.parent_id, pair.b.span.parent_id
            assert above == (None, None) or partner[above[0]] == above[1]
            assert pair.depth == 0 or pair.a.span.kind == pair.b.span.kind


@settings(max_examples=200, deadline=None)
@given(trees(), trees())
def test_exchanging_the_traces_exchanges_the_sides(a, b):
    assert sorted(map(ids, align(a, b).pairs), key=str) == sorted(
        ((one, other) for other, one in map(ids, align(b, a).pairs)), key=str
    )


@settings(max_examples=100, deadline=None)
@given(trees())
def test_identical_trees_align_fully_and_in_order(a):
    assert [(pair.a, pair.b) for pair in align(a, a).pairs] == [(node, node) for node in a]


def test_a_deep_trace_is_aligned_without_pythons_stack():
    deep = tree(ROOT, *(("end", parent) for parent in range(3_000)))
    assert all(pair.a is pair.b for pair in align(deep, deep).pairs)


def test_many_siblings_are_paired_by_their_names_and_it_says_so():
    a = [("tool", f"t{number % 7}") for number in range(5_000)]
    b = [("tool", f"t{number % 5}") for number in range(5_000)]
    began = process_time()
    found, rough = siblings(a, b)
    assert process_time() - began < 1
    assert rough
    assert all(a[one] == b[other] for one, other in found.items())
    assert len(found) == len(set(found.values())) == sum(min(a.count(key), b.count(key)) for key in set(a))
    assert siblings(b, a)[0] == {other: one for one, other in found.items()}


def test_a_difference_in_the_midst_of_many_alike_is_aligned_well():
    alike = [("tool", "t")] * 3_000
    found, rough = siblings([*alike, ("llm", "a"), *alike], [*alike, ("llm", "b"), ("tool", "u"), *alike])
    assert not rough
    assert found[3_000] == 3_000
    assert found[3_001] == 3_002


def test_steps_past_the_bound_are_counted():
    large = tree(ROOT, *(("tool", 0) for _ in range(MOST_STEPS + 9)))
    found = align(large, large)
    assert (len(found.pairs), found.left_out, found.rough) == (MOST_STEPS, 20, False)


@pytest.mark.parametrize("width", [300, 1])
def test_the_worst_of_5_000_steps_is_aligned_in_time(width):
    """Groups of siblings as large as the bound allows, no two alike."""
    groups = 4_900 // (width + 1)

    def side(letter):
        steps = [ROOT]
        for group in range(groups):
            steps.append((f"group {group}", 0))
            above = len(steps) - 1
            steps += [(f"llm {letter} {group} {number}", above) for number in range(width)]
        return tree(*steps)

    a, b = side("a"), side("b")
    began = process_time()
    found = align(a, b)
    assert process_time() - began < 5
    assert not found.rough
    assert all(pair.a and pair.b for pair in found.pairs)
