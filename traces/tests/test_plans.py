"""Plans for sets of attribute names: remembered, but never more than a sender may make us remember."""

from traces.conventions import plans


def test_a_set_of_names_is_worked_out_once():
    names = ("gen_ai.request.model", "app.request_id")
    assert plans.plan_of(names) is plans.plan_of(names)


def test_a_sender_that_makes_up_names_fills_no_memory():
    for number in range(3_000):
        plans.plan_of((f"made.up.{number}", "app.request_id"))
        assert len(plans._plans) <= plans._MOST_PLANS


def test_long_names_are_read_and_not_remembered():
    names = ("x" * 8_001,)
    plan = plans.plan_of(names)
    assert plan.unknown == names
    assert names not in plans._plans
