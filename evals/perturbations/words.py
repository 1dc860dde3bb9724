"""The people and places of the seeds."""

from assistant.grounding.words import listed


def names(row: str) -> list[str]:
    """The names of a group, which read best in running lines."""
    return row.split("|")


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
