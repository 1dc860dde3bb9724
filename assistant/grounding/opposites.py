"""Words that cannot both be true of one thing."""

from functools import cache

from assistant.grounding.words import stem

# What stands on the left of a pair contradicts what stands on its right; each side is a set of
# forms, for the stemmer does not join "rose" to "rise".
PAIRS = (
    ("raise raised boost boosted", "lower lowered cut cuts reduce reduced"),
    ("more greater higher larger bigger", "less fewer lower smaller"),
    ("above over exceeding exceed exceeds", "below under beneath"),
    (
        "rise rises rose risen increase increased increasing grow grew growth gain climbed soared",
        "fall falls fell fallen decrease decreased decline declined drop dropped shrink shrank "
        "reduction reduced plunged",
    ),
    ("before prior earlier preceding", "after following later"),
    ("first earliest", "last latest final"),
    ("maximum most highest largest biggest", "minimum least lowest smallest"),
    ("include including", "exclude excluding"),
    ("accept approve approved support supported", "reject rejected oppose opposed"),
    ("allow permit permitted", "forbid forbids forbidden prohibit ban banned"),
    ("win won victory", "lose lost defeat"),
    ("begin began begins start started open opened", "end ended finish finished close closed"),
    ("strengthen strengthened", "weaken weakened"),
    ("import imported", "export exported"),
    ("buy bought purchase", "sell sold sale"),
    ("success succeeded successful", "failure failed unsuccessful"),
    ("ally allies friend", "enemy enemies rival"),
    ("north northern", "south southern"),
    ("east eastern", "west western"),
    ("public", "private"),
    ("all every each", "some few none"),
    ("always", "never sometimes seldom rarely"),
    ("most majority", "few minority"),
    ("legal lawful", "illegal unlawful"),
    ("positive", "negative"),
    ("possible", "impossible"),
    ("better best improve improved", "worse worst worsen worsened"),
    ("strong stronger", "weak weaker"),
    ("long longer", "short shorter"),
    ("fast faster quickly", "slow slower slowly"),
    ("older", "younger newer"),
    ("early", "late"),
    ("male man men boy", "female woman women girl"),
    ("left", "right"),
    ("upper", "lower"),
    ("internal domestic", "external foreign"),
    ("full", "empty partial"),
    ("temporary", "permanent"),
    ("voluntary optional", "compulsory mandatory"),
    ("cheap cheaper", "expensive dearer"),
)


@cache
def opposites() -> dict[str, frozenset[str]]:
    """For each stem that has them, the stems of its opposites."""
    found: dict[str, frozenset[str]] = {}
    for pair in PAIRS:
        left, right = (frozenset(stem(word) for word in side.split()) for side in pair)
        for words, others in ((left, right), (right, left)):
            for word in words:
                found[word] = found.get(word, frozenset()) | others
    return found
