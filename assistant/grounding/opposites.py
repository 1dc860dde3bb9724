"""Words that cannot both be true of one thing."""

from assistant.grounding.words import stem

# What stands on the left of a pair contradicts what stands on its right; each side is a set of
# forms, for the stemmer does not join "rose" to "rise".
OPPOSITES: dict[str, frozenset[str]] = {}
for left, right in (
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
):
    lefts = frozenset(stem(word) for word in left.split())
    rights = frozenset(stem(word) for word in right.split())
    for word in lefts:
        OPPOSITES[word] = OPPOSITES.get(word, frozenset()) | rights
    for word in rights:
        OPPOSITES[word] = OPPOSITES.get(word, frozenset()) | lefts
