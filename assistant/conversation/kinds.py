"""What kind of thing a phrase is, as far as its words tell: somebody, people, what speaks."""

from assistant.conversation.phrases import CALENDAR, Phrase
from assistant.grounding.words import listed, stem

NOT_PEOPLE = frozenset(
    stem(word)
    for word in listed("""
    university college school company corporation party treaty agreement ministry council day war
    act law republic kingdom union states nations federation organisation organization association
    league cup film movie series show festival bank fund agency commission committee court church
    river lake sea strait gulf mountain island city county province state street road airport park
    museum hotel restaurant project program programme revolution empire dynasty army force group
    club team band album song book journal times post house institute centre center industry
    market policy plan charter convention protocol memorandum declaration resolution sanctions
    cuisine wine tea sauce king north south east west new great united middle language religion
    islam christianity judaism legion dome part trophy race
    """)
)
# By their stems, so that "the tenants" are people too.
PEOPLE = frozenset(
    stem(word)
    for word in listed("""
    actor adviser advisor ally ambassador analyst architect artist athlete auditor author boy buyer
    captain chairman chairwoman chancellor child children citizen client coach colleague commander
    consultant critic customer dealer delegate deputy developer diplomat director doctor driver
    editor employee employer engineer expert farmer father fan founder friend girl governor guest
    hero historian inhabitant inspector inventor investigator investor journalist judge king
    landlord lawyer leader learner lecturer lender man manager mayor member men minister mother
    negotiator neighbor neighbour nurse observer officer official opponent owner painter patient
    people person physician player poet politician pope president prince princess prisoner
    professor programmer queen reader referee refugee reporter representative researcher resident
    retiree scholar scientist secretary seller senator shareholder singer soldier speaker
    spokesman spokesperson spokeswoman staff student supplier surgeon teacher tenant tourist trader
    user victim visitor voter witness woman women worker writer
    """)
) - {stem("client"), stem("driver"), stem("reader"), stem("host")}
# What is no person and speaks all the same.
BODIES = frozenset(
    stem(word)
    for word in listed("""
    agency association authority bank board body bureau commission committee company council court
    department embassy firm government group institute kremlin ministry newspaper office
    organisation organization outlet panel paper parliament party police press service spokesman
    team union university
    """)
)


def person(phrase: Phrase) -> bool:
    """Whether a phrase may be somebody's name."""
    words = phrase.text.split()
    return (
        phrase.named
        and len(words) <= 4
        and all(word[0].isupper() for word in words)
        and not words[0].isupper()
        and not phrase.stems & (NOT_PEOPLE | CALENDAR)
        and not any(c.isdigit() for c in phrase.text)
    )


def people(phrase: Phrase) -> bool:
    """Whether it is somebody or several, not by name: "the tenant", "critics"."""
    return phrase.head in PEOPLE and not phrase.named


def speaking(phrase: Phrase) -> bool:
    """Whether it is something that can say something, not by name: "the security team"."""
    return phrase.head in PEOPLE | BODIES
