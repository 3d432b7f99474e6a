"""What customers and Sage, the adviser, say to each other, turn by turn."""

from typing import Final

# Scripts of Sage: turns of (what the customer says, the tool called or None, its result, what Sage answers).
Turn = tuple[str, str | None, dict[str, object], str]
CHATS: Final[tuple[tuple[Turn, ...], ...]] = (
    (
        ("Can I put my tomatoes outside yet?", None, {}, "That depends on your nights. Where do you garden?"),
        (
            "Graz, on a balcony facing south",
            "get_weather",
            {"place": "Graz", "lowest_c": 6, "rain_mm": 0},
            "Tonight falls to 6 °C in Graz, and a tomato wants 10. Keep them in for this week.",
        ),
        ("How big must the pot be?", None, {}, "Forty litres for one plant. A bucket starves it by July."),
        (
            "Do you have the drip irrigation in stock?",
            "get_stock",
            {"sku": "GD-3350", "in_stock": 14},
            "Yes, 14 of Terra are here, and it feeds up to ten pots.",
        ),
        ("great, thank you! 🍅", None, {}, "Good growing. Tell me in June how they look."),
    ),
    (
        (
            "the espresso machine hums but nothing comes out",
            None,
            {},
            "That sounds like lime. When did you last descale it?",
        ),
        (
            "never??",
            None,
            {},
            "Then let us begin: 50 g of citric acid in a litre of water, half through group, half through wand.",
        ),
        (
            "ok did it, still only drops",
            None,
            {},
            "Once more, and wait a quarter of an hour between. Hard water needs two rounds.",
        ),
        ("IT WORKS", None, {}, "Now rinse with two tanks of clear water, and set a reminder for three months."),
    ),
    (
        (
            "Welches Hochbeet passt auf 1,5 m Balkon?",
            None,
            {},
            "Das Lärchenbeet mit 120 × 80 cm passt gut. Wie viel trägt Ihr Balkon?",
        ),
        (
            "Keine Ahnung, Neubau",
            None,
            {},
            "Neubauten tragen meist 400 kg/m². Gefüllt wiegt das Beet etwa 250 kg, das geht.",
        ),
        (
            "Habt ihr das noch?",
            "get_stock",
            {"sku": "GD-3127", "in_stock": 0, "more_on": "in nine days"},
            "Gerade ausverkauft, in neun Tagen kommt Nachschub. Soll ich Ihnen dann schreiben?",
        ),
    ),
    (
        (
            "トマトの苗はいつ外に出せますか",
            None,
            {},
            "夜の気温が10度を下回らなくなってからです。お住まいはどちらですか。",
        ),
        (
            "札幌です",
            "get_weather",
            {"place": "Sapporo", "lowest_c": 3, "rain_mm": 2},
            "今夜は3度まで下がります。もう少し室内で育ててください。",
        ),
    ),
    (
        (
            "Is the greenhouse ok in wind?",
            None,
            {},
            "Luma stands up to 60 km/h when it is pegged. How open is your garden?",
        ),
        (
            "Hill in Galway lol",
            "get_weather",
            {"place": "Galway", "lowest_c": 9, "rain_mm": 14},
            "Then not this one. Even tonight you have more than it bears; a wall frame would be wiser.",
        ),
        ("so what else", None, {}, "The larch bed with a fleece on top does well in wind."),
    ),
)
# The session that the README points to: the first script, whole.
SESSION: Final = "sess_balcony_tomatoes"
