"""Words that cannot both be true of one thing."""

from functools import cache

from assistant.grounding.words import stem

# What stands on the left of a pair contradicts what stands on its right; each side is a set of
# forms, for the stemmer does not join "rose" to "rise".
PAIRS = (
    ("raise raised boost boosted", "lower lowered cut cuts reduce reduced"),
    ("more greater higher larger bigger", "less lesser fewer lower smaller"),
    ("above over exceeding exceed exceeds", "below under beneath"),
    (
        "rise rises rose risen increase increased increasing grow grew growth growing gain gained "
        "climb climbed soar soared expand expanded expanding expansion swell doubled",
        "fall falls fell fallen decrease decreased decline declined drop dropped shrink shrank "
        "shrinking reduction reduced plunge plunged contract contracted contraction halved",
    ),
    ("before", "after"),
    ("earlier prior preceding previous", "later following subsequent next"),
    ("first earliest", "last latest final"),
    (
        "maximum most highest largest biggest greatest tallest",
        "minimum least lowest smallest shortest",
    ),
    ("include including included contain", "exclude excluding excluded omit"),
    ("accept approve approved support supported endorse", "reject rejected oppose opposed refuse"),
    ("allow allowed permit permitted", "forbid forbidden prohibit prohibited ban banned"),
    ("win won victory winner", "lose lost defeat loser"),
    (
        "begin began begins start started open opened opening",
        "end ended finish finished close closed closing",
    ),
    ("strengthen strengthened", "weaken weakened undermine"),
    ("import imported", "export exported"),
    ("buy bought purchase purchased", "sell sold sale"),
    ("borrow borrowed", "lend lent"),
    ("success succeeded successful", "failure failed unsuccessful"),
    ("pass passed", "fail failed"),
    ("ally allies friend", "enemy enemies rival"),
    ("north northern northernmost", "south southern southernmost"),
    ("east eastern easternmost", "west western westernmost"),
    ("northeast", "northwest southeast southwest"),
    ("southeast", "northwest southwest"),
    ("northwest", "southwest"),
    ("public", "private"),
    ("all every each", "some few none"),
    ("many numerous much", "few little"),
    ("always invariably", "usually often sometimes occasionally seldom rarely never"),
    ("often frequently usually", "seldom rarely never"),
    ("most majority", "few minority"),
    ("majority", "minority"),
    ("legal lawful", "illegal unlawful"),
    ("positive", "negative"),
    ("better best improve improved", "worse worst worsen worsened"),
    ("strong stronger strongest", "weak weaker weakest"),
    ("long longer longest", "short shorter shortest"),
    ("wide wider widest widen widened broad broader broaden", "narrow narrower narrowest narrowed"),
    ("deep deeper deepest", "shallow shallower"),
    ("heavy heavier heaviest", "light lighter lightest"),
    ("thick thicker", "thin thinner"),
    ("hot hotter warm warmer hottest warmest", "cold colder cool cooler coldest"),
    ("rich richer richest wealthy", "poor poorer poorest"),
    ("safe safer", "dangerous unsafe"),
    ("easy easier easiest simple", "hard harder hardest difficult"),
    ("hard harder", "soft softer"),
    ("fast faster fastest quick quickly", "slow slower slowest slowly"),
    ("older oldest", "younger youngest newer newest"),
    ("early", "late"),
    ("male man men boy", "female woman women girl"),
    ("father", "mother"),
    ("son", "daughter"),
    ("brother", "sister"),
    ("husband", "wife"),
    ("king", "queen"),
    ("left", "right"),
    ("upper", "lower"),
    ("inside within interior inner", "outside exterior outer"),
    ("internal domestic", "external foreign"),
    ("near nearer close closer", "far farther further distant"),
    ("full", "empty partial"),
    ("temporary temporarily", "permanent permanently"),
    ("voluntary optional", "compulsory mandatory"),
    ("cheap cheaper cheapest", "expensive dearer dearest costly"),
    ("join joined joins enter entered", "leave leaves leaving quit"),
    ("arrive arrived arrival", "depart departed departure"),
    ("add added", "remove removed drop dropped"),
    ("create created build built", "destroy destroyed demolish demolished"),
    ("attack attacked", "defend defended"),
    ("accelerate accelerated accelerating", "decelerate slowed slowing delay delayed"),
    ("profit profits surplus", "loss losses deficit"),
    ("credit", "debit"),
    ("income revenue", "expense expenditure"),
    ("guilty convicted", "innocent acquitted"),
    ("enable enabled activate activated", "disable disabled deactivate deactivated"),
    ("encrypt encrypted", "decrypt decrypted"),
    ("upgrade upgraded", "downgrade downgraded"),
    ("confirm confirmed", "deny denied refute refuted"),
    ("agree agreed", "disagree disagreed"),
    ("love loved", "hate hated"),
    ("birth born", "death died"),
    ("alive", "dead"),
    ("ancient", "modern"),
    ("true", "false"),
    ("local", "global"),
    ("liquid", "solid"),
    ("wet", "dry"),
    ("permanent", "provisional"),
    ("horizontal horizontally", "vertical vertically"),
    ("predecessor", "successor"),
    ("half halved", "double doubled twice"),
    ("supporter proponent advocate", "opponent critic"),
    ("ahead", "behind"),
    ("ascend ascended", "descend descended"),
    ("appear appeared", "disappear disappeared"),
    ("hire hired appoint appointed", "dismiss dismissed sack sacked"),
    ("tighten tightened", "loosen loosened ease eased"),
    ("optimistic", "pessimistic"),
    ("sufficient enough", "insufficient"),
    ("parent", "child"),
    ("input", "output"),
    ("push pushed", "pull pulled"),
    ("demand", "supply"),
    ("wholesale", "retail"),
    ("gross", "net"),
    ("summer", "winter"),
    ("spring", "autumn"),
    ("morning", "evening afternoon night"),
    ("urban", "rural"),
    ("teacher", "student pupil"),
    ("landlord lessor", "tenant lessee"),
    ("buyer", "seller"),
    ("plaintiff", "defendant"),
)
# What a word begins with to say the contrary: unlikely, impossible, nonbinding.
CONTRARY = ("un", "in", "im", "ir", "il", "dis", "non", "anti", "de")


def contrary(word: str, other: str) -> bool:
    """Whether one word is the other with a prefix that turns it round, by their stems."""
    short, long = sorted((word, other), key=len)
    return len(short) >= 4 and any(long == prefix + short for prefix in CONTRARY)


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
