"""The tables that sentences are perturbed by."""

from assistant.grounding.words import listed


def names(row: str) -> list[str]:
    """The names of a group, which read best in running lines."""
    return row.split("|")


MONTHS = listed(
    "January February March April May June July August September October November December"
)
WEEKDAYS = listed("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
SPELT = listed(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen "
    "fourteen fifteen sixteen seventeen eighteen nineteen twenty"
)

# Each word with what makes a sentence false in its place.
UNITS = {
    "years": "months",
    "year": "month",
    "months": "years",
    "month": "year",
    "weeks": "days",
    "days": "weeks",
    "hours": "days",
    "minutes": "hours",
    "seconds": "minutes",
    "decades": "years",
    "centuries": "decades",
    "million": "billion",
    "billion": "million",
    "thousand": "million",
    "thousands": "millions",
    "hundreds": "thousands",
    "percent": "million",
    "miles": "kilometres",
    "mi": "m",
    "km": "miles",
    "kilometres": "miles",
    "kilometers": "miles",
    "metres": "feet",
    "meters": "feet",
    "feet": "metres",
    "ft": "m",
    "inches": "feet",
    "kg": "grams",
    "pounds": "tonnes",
    "tonnes": "kilograms",
    "grams": "kilograms",
    "acres": "square miles",
    "$": "€",
    "£": "$",
    "°C": "°F",
    "°F": "°C",
}

COMPARATIVES = {
    left: right
    for pair in (
        "more less",
        "higher lower",
        "larger smaller",
        "greater lesser",
        "longer shorter",
        "older newer",
        "earlier later",
        "better worse",
        "stronger weaker",
        "before after",
        "highest lowest",
        "largest smallest",
        "longest shortest",
        "oldest newest",
        "earliest latest",
        "greatest least",
        "best worst",
        "most least",
        "above below",
        "increases decreases",
        "increased decreased",
        "increase decrease",
        "increasing decreasing",
        "rises falls",
        "rose fell",
        "grew shrank",
        "growing shrinking",
        "gained lost",
        "won lost",
        "northern southern",
        "eastern western",
        "north south",
        "east west",
        "upper lower",
        "first last",
        "maximum minimum",
        "inside outside",
        "includes excludes",
        "included excluded",
        "begins ends",
        "began ended",
        "opened closed",
        "many few",
        "majority minority",
        "faster slower",
        "close distant",
        "wider narrower",
        "strengthening weakening",
        "joins leaves",
        "entering leaving",
        "allies enemies",
        "easier harder",
    )
    for left, right in (pair.split(), pair.split()[::-1])
}
# Behind or before these words the ones above mean something else.
IDIOMS = (
    "named after",
    "after all",
    "at first",
    "first name",
    "last name",
    "at least",
    "at most",
    "close to",
    "no more",
    "no longer",
    "nothing more",
    "more or less",
    "more than once",
    "so many",
    "how many",
    "a few",
    "few of",
    "very few",
    "as many",
    "left and",
    "was left",
    "is left",
    "are left",
    "to close",
    "first and last",
    "looked after",
    "north korea",
    "south korea",
    "north america",
    "south america",
    "north carolina",
    "south carolina",
    "middle east",
    "west indies",
    "the west",
    "west end",
    "lost to",
    "world cup",
    "most of",
    "best known",
    "first one",
    "last one",
    "before and after",
)

MODALITY = (
    (r"\bmay (?=[a-z])", "will "),
    (r"\bmight\b", "will"),
    (r"\bcould (?!not)(?=have )", "must "),
    (r"\bis expected to\b", "is certain to"),
    (r"\bare expected to\b", "are certain to"),
    (r"\bwas expected to\b", "was certain to"),
    (r"\b(?:is|are) likely to\b", "will"),
    (r"\bmust\b", "may"),
    (r"\bat least (?=\w)", ""),
    (r"\bmore than (?=[\d$£€]|two|three|ten|twenty)", ""),
    (r"\bup to (?=[\d$£€]|two|three|ten|twenty)", ""),
    (r"\b(?:less|fewer) than (?=[\d$£€])", ""),
    (r"\b(?:plans|intends|hopes) to\b", "is obliged to"),
    (r"\bplan to\b|\bintend to\b", "are obliged to"),
    (r"\bcan be\b", "must be"),
)

# Who stands for whom in the seeds: one of a group in another's place makes a sentence false, but
# not where both are in it, and never one that means the same.
SEED_NAMES = (
    ("Vladimir Putin", "Putin"),
    ("Masoud Pezeshkian", "Pezeshkian"),
    ("Kazem Jalali", "Jalali"),
    ("Dmitry Peskov", "Peskov"),
    ("Sergey Lavrov", "Lavrov"),
    ("Esmaeil Baghaei", "Baghaei"),
    ("Volodymyr Zelensky", "Zelensky"),
    ("Bashar Assad", "Assad"),
    ("Donald Trump", "Trump"),
    ("Ali Khamenei", "Khamenei"),
    ("Russia", "Moscow", "Kremlin", "Russian"),
    ("Iran", "Tehran", "Iranian", "Islamic Republic"),
    ("Ukraine", "Kyiv", "Ukrainian"),
    ("Syria", "Damascus", "Syrian"),
    ("North Korea", "Pyongyang", "North Korean"),
    ("Tajikistan", "Dushanbe"),
    ("United States", "Washington", "American"),
    ("Tass",),
    ("IRNA",),
    ("PressTV",),
    ("Interfax",),
)
SEED_GROUPS = (
    names(
        "Vladimir Putin|Masoud Pezeshkian|Kazem Jalali|Dmitry Peskov|Sergey Lavrov|"
        "Esmaeil Baghaei|Volodymyr Zelensky|Bashar Assad|Donald Trump|Ali Khamenei|"
        "Emmanuel Macron|Wang Yi"
    ),
    listed("Putin Pezeshkian Jalali Peskov Lavrov Baghaei Zelensky Assad Trump Khamenei Macron"),
    names("Russia|Iran|Ukraine|Syria|North Korea|Tajikistan|the United States|China|Turkey"),
    names("Russian|Iranian|Ukrainian|Syrian|North Korean|American|Chinese|Turkish"),
    listed("Moscow Tehran Kyiv Damascus Pyongyang Dushanbe Washington Beijing"),
    listed("Tass IRNA PressTV Interfax Reuters"),
)
