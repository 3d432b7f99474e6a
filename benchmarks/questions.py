"""What some of the questions hold, so that there is something to search for: Chinese, and words that few have."""

import random

# One question in SELDOM is put in Chinese, one in RARE holds a word that few have.
SELDOM, RARE = 25, 5_000
CHINESE = ("我想申请退款", "订单还没有发货", "发票抬头写错了", "什么时候可以收到包裹", "优惠券无法使用", "我要取消订单")
RARE_WORDS = ("zephyrwood", "quillfeather", "brimstonecake")


def question(text: str, rng: random.Random, rare: int = RARE) -> str:
    """The question `text`, with what one in so many has."""
    if not rng.randrange(SELDOM):
        text = f"{rng.choice(CHINESE)}。{text}"
    return text if rng.randrange(rare) else f"{text} {rng.choice(RARE_WORDS)}"
