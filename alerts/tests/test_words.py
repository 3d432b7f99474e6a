import pytest

from alerts import words


def plain(text):
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("metric", "value", "expected"),
    [
        ("error_rate", 0.244, "demo answers 24 % of its requests with an error"),
        ("latency_p95", 9_400_000, "demo takes 9.4 s or longer for one request in twenty"),
        ("cost", 4.2, "demo costs $4.20 in 15 min"),
        ("requests", 0, "demo gets no requests in 15 min"),
        ("requests", 1, "demo gets 1 request in 15 min"),
    ],
)
def test_a_title_says_what_happened(metric, value, expected):
    assert plain(words.title("demo", metric, value)) == expected


@pytest.mark.parametrize(
    ("metric", "low", "high", "expected"),
    [
        ("error_rate", 0.0, 0.012, "0 to 1.2 %"),
        ("error_rate", 0.012, 0.012, "about 1.2 %"),
        ("latency_p95", 704_000, 3_600_000, "704 ms to 3.6 s"),
        ("latency_p95", 2_800_000, 3_600_000, "2.8 to 3.6 s"),
        ("cost", 1.6, 2.1, "$1.60 to $2.10"),
        ("requests", 120, 160, "120 to 160 requests"),
    ],
)
def test_a_range_names_its_unit_once(metric, low, high, expected):
    assert plain(words.span(metric, low, high)) == expected


@pytest.mark.parametrize(
    ("metric", "limit", "expected"),
    [
        ("error_rate", 0.05, "Over 5 % of the requests fail"),
        ("latency_p95", 2.0, "One request in twenty takes 2 times as long as usual"),
        ("cost", 1.7, "Calls cost 1.7 times the usual"),
        ("requests", 0.1, "Requests fall to 10 % of the usual"),
    ],
)
def test_a_rule_says_when_it_is_broken(metric, limit, expected):
    assert plain(words.condition(metric, limit)) == expected


def test_a_project_named_over_two_lines_stays_one_line():
    assert "\n" not in words.title("evil\r\nBcc: all@example.org", "cost", 1)
