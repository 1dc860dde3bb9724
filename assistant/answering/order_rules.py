"""The rules by which orders to a language model are told; see `orders`.

Patterns are for folded text: lower case, no accents, no invisible marks, single blanks, straight
quotation marks. `RULES` have words beside them, one of which must be there: so most sentences
cost next to nothing.
"""


def _any(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Where a command begins: a sentence, a clause, or after a word that urges.
_START = (
    r"(?:^|[.!?:;,(\[{\"'>*#|=/-] *|\b(?:please|kindly|now|then|and|but|must|should|shall|will|just"
    r"|also|simply|instead|always|only|not|you to|and to|immediately|first|never) )"
)
_MACHINE = (
    r"(?:ai|a\.i\.|ais|artificial intelligence|(?:large )?language models?|llms?|chat ?bots?|bots?"
    r"|chatgpt|gpt-?\d*\S*|claude|gemini|llama|copilot|(?:(?:ai|virtual|helpful) )*assistants?"
    r"|summari[sz]ers?|answering (?:systems?|machines?|engines?))"
)
_GIVEN = (
    r"(?:instructions?|directions|directives?|guidelines|guardrails|prompts?|rules|commands?"
    r"|orders|constraints|restrictions|programming|training)"
)
_EARLIER = (
    r"(?:previous|prior|above|earlier|preceding|former|existing|original|initial|other|system"
    r"|safety|your|given)"
)
_REPLY = (
    r"(?:answer|reply|respond|say|write|print|output|state|claim|tell|repeat|declare|insist|assert"
    r"|give|return)"
)
_TEXTS = r"(?:documents?|passages?|sources?|context|texts?|files?|corpus|archive)"
_ALL = r"(?:every|all|any|each|whatever|whichever)"
_ANSWERS = r"(?:answers?|repl(?:y|ies)|responses?|messages?|outputs?|turns?)"
_MAY_URGE = (
    r"(?:please |always |only |simply |just |then |do not |don't |never "
    r"|you (?:must|should|will|shall|are to) )*"
)

# The marks of chats, of prompts and of calls of tools. Line breaks are kept for these.
MARKS = (
    r"<\|[\w|/ -]{1,30}\|?>|\[/?inst\]|<</?sys>>|<(?:start|end)_of_turn>|\bim_start\b",
    r"\[/?(?:system|assistant|developer)(?:[ _]?(?:prompt|message|note))?\]",
    r"</?(?:system|assistant|instructions?|passages?|documents?|context|sources?|prompt|developer"
    r"|tool_?calls?|function_?calls?|tool_result|invoke|admin|untrusted|data)\b[^<>]{0,80}>",
    r"[\"']role[\"'] ?: ?[\"'](?:system|assistant|developer|user|tool)\b",
    r"[\"'](?:tool_calls|function_call|tool_choice)[\"'] ?:",
    r"[\"'](?:name|tool|function)[\"'] ?: ?[\"'][\w.]+[\"'] ?, ?[\"'](?:arguments|parameters|args)",
    r"(?:^|\n)[ #*>`=\[(_-]*(?:system|developer|admin(?:istrator)?|assistant(?! ?[*_\])]*:))"
    r"(?: (?:message|prompt|notice|note|override|update|alert|instructions?|command|mode))?"
    r"[\])* _]*:",
    r"(?:^|\n) *#{2,} *(?:system|instructions?|assistant|user|human|response|new (?:task|rules))"
    r" *(?::|\n|$)",
    r"[-=]{2,} ?(?:begin|end|start) (?:of )?(?:the )?(?:system|prompt|passages?|documents?|context"
    r"|user|untrusted|instructions?)\b",
)

RULES = (
    # What was said before is to be forgotten.
    (
        _any(
            "ignore ignoring disregard forget override overrule bypass discard neglect skip "
            "cancel follow obey following obeying"
        ),
        (
            rf"(?:{_START}|\byou )(?:ignore|disregard|forget|override|overrule|bypass|discard"
            r"|neglect|skip"
            r"|cancel|(?:do not|don't|stop|no longer) (?:follow|obey)(?:ing)?)\b[^.!?]{0,40}?"
            rf"\b(?:{_EARLIER}\b[^.!?]{{0,30}}?\b{_GIVEN}|(?:all|any|every|the) (?:of )?"
            rf"(?:the |these |those |your |other |above |remaining )*(?:{_GIVEN}|{_TEXTS})"
            r"|everything (?:above|before|you|else|that)|what(?:ever)? (?:you|was) (?:were |are )?"
            r"(?:told|said))\b",
            rf"{_START}(?:follow|obey) (?:only )?(?:the|these|this|my"
            rf"|all)\b[^.!?]{{0,30}}\b{_GIVEN}"
            r" (?:below|here|in this|of this|hidden|instead|and nothing)",
        ),
    ),
    (
        _any("instructions instruction prompt prompts directives"),
        (
            r"\b(?:previous|prior|above|earlier|existing|system) (?:instructions?|prompts?"
            r"|directives)"
            r"\b.{0,40}\b(?:void|cancel\w*|revoked|suspended|obsolete|no longer|supersed\w*"
            r"|overrid\w*)",
            r"(?:^|[.!?:;(\[*#>] *)(?:new|updated|revised|real|actual|hidden|secret|urgent"
            r"|important)"
            r" (?:system )?(?:instructions?|prompt|directives?)(?: (?:for|to) [\w ]{2,30})? ?:",
        ),
    ),
    # It speaks to a machine, or says what the reader is.
    (
        _any(
            "ai ais llm llms models model assistant assistants chatbot chatbots bot bots chatgpt "
            "claude gemini llama copilot summarizer summarizers intelligence gpt systems system i "
            "engine engines"
        ),
        (
            r"\bif you(?: are|'re) (?:reading this(?: as)? )?(?:an? |the |any )?(?:automated"
            rf" )?{_MACHINE}\b",
            rf"(?:^|[.!?:;(\[>*#-] *)(?:important |urgent |special |a |my )?(?:note|message|notice"
            r"|instructions?|attention|reminder|warning|orders?|hint|dear|hello|hey|hi|to"
            r"|for)[ ,:]{1,2}"
            rf"(?:to |for )?(?:all |any |every |the |our |your |my |whichever )*{_MACHINE}\b"
            r"(?=[^.]{0,40}[:,;!-]|[^.]{0,60}\b(?:read|process|answer|must|should))",
            rf"(?:^|[.!?:;] *){_MACHINE} ?[,:;!-] ?(?:you|please|do|ignore|answer|say|reply|your"
            r"|when"
            r"|if|from|print|write|tell)\b",
            rf"\b(?:the|any|every|all|each) (?:\w+ )?{_MACHINE} (?:(?:that|which|who) )?(?:reads?"
            r"|reading|process\w*|answer\w*|summari[sz]\w+)\b.{0,60}\b(?:must|should|shall|ha(?:s"
            r"|ve)"
            r" to|(?:is|are) to)\b",
            rf"(?:^|[.!?:;] *)(?:the )?(?:ai|language model|chatbot|assistant) (?:must|shall|should"
            rf"|will|has to|is to) (?:now |always |only |never |not )*{_REPLY}\b",
            rf"\bas an? {_MACHINE},? you\b|(?:^|[.!?:;,] *)you are (?:an? |the |my )(?:\w+ ){{0,3}}"
            rf"{_MACHINE}\b",
        ),
    ),
    (
        _any("you mode dan character pretend act stay imagine"),
        (
            r"(?:^|[.!?:;,\"] *)(?:but |and |so )?you(?: are|'re) (?:now|no longer|not bound"
            r"|henceforth)\b",
            r"\b(?:do anything now|(?:developer|god|debug|jailbreak) mode (?:is )?(?:now )?(?:on"
            r"|enabled|active))",
            rf"{_START}(?:pretend|imagine) (?:that )?(?:you|to be)\b.{{0,60}}\b(?:no|without|not"
            r"|never"
            rf"|free|unrestricted|{_MACHINE}|rules|character|grandmother|{_REPLY})\b",
            r"(?:^|[.!?:;,] *)(?:act|behave|speak|stay) (?:as|like|in) (?:if |though )?(?:an? |the"
            r" |my )?"
            r"(?:you|unrestricted|evil|character|pirate|dan|parrot|oracle|admin\w*|root"
            r"|developer)\b",
        ),
    ),
    # What to answer, whatever is asked.
    (
        _any("question questions query queries asks asked ask inquires"),
        (
            rf"\b{_ANSWERS} to (?:absolutely )?(?:{_ALL}|the user'?s?|your|the (?:next|following)"
            r"|this)"
            r"\b.{0,30}\b(?:questions?|quer(?:y|ies)|is asked)\b.{0,40}\b(?:is|are|be|must|should"
            r"|will)\b",
            rf"\b(?:whatever|no matter (?:what|which|how)|regardless of|{_ALL} (?:\w+"
            r" )?(?:questions?"
            rf"|quer(?:y|ies)))\b.{{0,60}}\b(?:always |only |must |should |just |you |is |are |be"
            r" )*"
            rf"(?:{_REPLY} (?:only|with|that|just|exactly|the|\"|')|answered (?:with|by|only)"
            r"|(?:the|its) (?:only |one |correct |right |final |true )*(?:answer|reply) (?:is"
            r"|must))",
            r"\b(?:if|when(?:ever)?|should|once|who(?:so)?ever|anyone who|everyone who|those"
            r" who)\b"
            rf"[^.!?]{{0,40}}\b(?:ask(?:s|ed)?|quer(?:y|ies)|questions?"
            rf"|inquires?)\b[^.!?]{{0,80}}[,;:] ?"
            rf"{_MAY_URGE}(?:{_REPLY}|mention|refuse|pretend|include|add|show|send)\b",
            r"\bwho(?:so)?ever asks\b.{0,80}\b(?:told|answered|given)\b",
        ),
    ),
    (
        _any(
            "answer reply respond say write print output state claim tell repeat declare insist "
            "assert answers replies responses"
        ),
        (
            r"(?:^|[.!?:;,\"(>*-] *|\b(?:please|now|then|and|must|should|instead|always|only|just"
            r"|simply"
            r"|also) )(?:answer|reply|respond)(?: \w+){0,2}? (?:(?:only |just |always )*with"
            r" (?:the|only"
            r"|just|exactly|nothing|a single|one|[\"'])|exactly|only with|that you|in character)",
            r"\b(?:every|each|all|any|whenever you|when you|if you) (?:of (?:the|your)"
            r" )?(?:answers?|repl(?:y|ies)|responses?|respond)\b(?=[^.!?]{0,30}\b(?:must|should"
            r"|shall|has to|have to|is to|are to)\b|,? ?(?:cite|always|only|say|add|mention"
            r"|use)\b)|\b(?:must|ha(?:s|ve) to|should) be in (?:every|each|all|any|your)\b",
            rf"{_START}{_REPLY} (?:only|just|exactly|always|the (?:word|words|phrase|string"
            r"|sentence|text)"
            r"|nothing but)\b",
            rf"{_START}{_REPLY}\b[^.!?]{{0,30}}\bthat (?:the|these|those|your|all|no) (?:\w+"
            rf" )?{_TEXTS}\b"
            r"[^.!?]{0,20}\b(?:not|nothing|no|none|empty|silent|lack|contain)\b",
        ),
    ),
    (
        _any("from henceforth rest every all each any end begin start finish sign your"),
        (
            r"\b(?:from (?:now|this point|here) on(?:wards?)?|henceforth|for the rest of (?:this"
            r"|the|our)"
            r" (?:conversation|chat|session)|in (?:all|every|each|any) (?:your )?(?:further"
            r"|following|future"
            rf"|later|next|subsequent)? ?{_ANSWERS})\b[^.!?]{{0,60}}\b(?:you|your|always|never"
            rf"|{_REPLY}|end"
            r"|begin|start|append|add|include|refuse|insert|put)\b",
            rf"{_START}(?:end|begin|start|finish|prefix|preface|open|close|sign) (?:each|every|all"
            r"|any|your|the)"
            rf" (?:of your )?(?:\w+ )?(?:{_ANSWERS}|sentences?) (?:with|by|using)\b",
        ),
    ),
    # What to give away, and how to carry it out of the house.
    (
        _any(
            "reveal print output repeat show disclose display dump leak send list reproduce "
            "recite tell copy quote write give expose share return email mail post forward upload "
            "transmit include insert embed append add render put attach load end"
        ),
        (
            rf"{_START}(?:reveal|print|output|repeat|show|disclose|display|dump|leak|send|list"
            r"|reproduce"
            r"|recite|tell|copy|quote|write|give|expose|share|return|e-?mail|post|forward|upload"
            r"|transmit"
            r"|include|append|add|insert)\b[^.!?]{0,60}?(?:\bsystem (?:prompt|message)"
            r"|\byour (?:\w+ ){0,2}(?:prompts?|instructions|rules|configuration|settings|(?:api"
            r" )?keys?"
            r"|passwords?|secrets?|memory|context|conversation|environment)\b"
            r"|\b(?:hidden|secret|initial|whole|entire|complete|above) (?:prompts?|instructions"
            r"|conversation"
            r"|context)\b|\b(?:all|every|each|whole|entire|full|contents?"
            r" of)\b[^.!?]{0,30}\b(?:other"
            r" (?:passages?|documents?|files?)|environment variables?|api[ _-]?keys?|passwords?"
            r"|secrets"
            r"|credentials|(?:documents?|passages?) (?:that )?you)|\beverything (?:above|before"
            r"|you)"
            r"|\btext above\b|\b(?:anthropic|openai)_api_key\b|/etc/passwd|\bid_rsa\b|\.env\b)",
            rf"{_START}(?:include|insert|embed|add|append|show|render|put|display|attach|write"
            r"|output|print"
            r"|load|give|end)\b[^!?]{0,80}(?:\b(?:image|picture|markdown|link|tag|badge|iframe"
            r"|pixel|url|html"
            r"|button)\b[^!]{0,80}(?:https?:|!\[|<img|\]\(|javascript:|data:)|!\[|<img|<iframe"
            r"|<script)",
        ),
    ),
    (
        _any("https http img"),
        (
            r"(?:!\[[^\]]{0,80}\]\(|<img[^>]{0,80}src=|https?://)\S{0,120}[=/](?:\{|\[|<|%7b|\$)",
            r"(?:!\[[^\]]{0,80}\]\(|\[[^\]]{1,80}\]: ?)<?https?://[^\s)]{1,200}\?\S{0,40}=",
        ),
    ),
    # What the check is to find.
    (
        _any(
            "verdict grounding faithfulness verified supported quoted checked approved exempt "
            "grounded trusted authoritative"
        ),
        (
            r"\bverdict\b\W{1,4}(?:is\W{1,3})?(?:supported|quoted|verified|true|correct)\b",
            r"\b(?:grounding|faithfulness)[_ ]?(?:score|verdict"
            r"|check)\b\W{1,4}(?:is\W{1,3})?(?:1\b|100"
            r"|supported|passed|true)",
            rf"{_START}(?:mark|rate|label|treat|grade|score|classify|accept"
            rf"|report)\b[^.!?]{{0,60}}\bas"
            r" (?:\w+ )?(?:verified|supported|quoted|(?:fact-?)?checked|grounded|trusted"
            r"|authoritative)\b",
            r"\bthis (?:sentence|statement|passage|answer|claim|text|document) (?:is|has been|was"
            r"|counts as)"
            r" (?:\w+ )?(?:verified|supported|fact-?checked|pre-?approved|exempt)\b",
        ),
    ),
    # What is written so that only a machine reads it.
    (
        _any("decode decrypt decipher unscramble base64 rot13 reverse translate"),
        (
            r"\b(?:decode|decrypt|decipher|unscramble|base64|rot13|reverse"
            r"|translate)\b[^.!?]{0,80}\b(?:and"
            r"|then) (?:follow|obey|do|execute|carry|act|apply|run|comply)\b",
        ),
    ),
)

OTHER_LANGUAGES = (
    # The gate is of the first five letters here.
    _any(
        "ignor missa vergi verge antwo bist sind jetzt sofor oubli negli repon desor doren parti "
        "olvid esque dimen respo conte respu rispo ahora adela agora"
    ),
    (
        # German
        r"\b(?:ignorier|missacht|vergiss|vergesst|vergessen sie)\w*\b.{0,50}\b(?:anweisung"
        r"|instruktion"
        r"|vorgabe|regel|befehl)",
        r"\b(?:antworte|antworten sie|antwortet) (?:\w+ ){0,4}?(?:nur|immer|ausschliesslich|stets"
        r"|mit)\b",
        r"\bantwort auf (?:jede|alle)\w* frage",
        r"\b(?:du bist|sie sind) (?:jetzt|nun|ab jetzt|ab sofort|nicht mehr|eine? ki\b)",
        r"\b(?:ab jetzt|ab sofort|von nun an)\b.{0,40}\b(?:antworte|sag|schreib|du|sie)\b",
        # French
        r"\b(?:ignore[rz]?|oublie[rz]?|neglige[rz]?) .{0,40}\b(?:consignes?|regles?|directives?"
        r"|instructions? (?:precedent|ci-dessus|anterieur)\w*)\b",
        r"\b(?:reponds|repondez) .{0,30}\b(?:seulement|uniquement|toujours|que|par)\b",
        r"\breponse a (?:toutes? |chaque )(?:les |vos |tes )?questions?",
        r"\b(?:desormais|dorenavant|a partir de maintenant)\b.{0,40}\b(?:reponds|repondez|dis"
        r"|dites)\b",
        # Spanish, Portuguese and Italian
        r"\b(?:ignor[aei]|ignorad|ignorar|olvid[ae]|esqueca|dimentica)\b.{0,40}\b(?:instruccion"
        r"|instruco"
        r"|istruzion|reglas|regras|regole|ordenes|indicacion)",
        r"\b(?:respond[ea]|contest[ae]|rispondi)\b.{0,30}\b(?:solo|solamente|siempre|unicamente"
        r"|sempre"
        r"|somente|apenas|soltanto)\b",
        r"\b(?:respuesta|resposta|risposta) a (?:todas?|cada|cualquier|qualquer|tutte"
        r"|ogni)\b.{0,12}\b"
        r"(?:pregunt|pergunt|domand)",
        r"\b(?:ahora eres|a partir de ahora|de ahora en adelante|a partir de agora|d'ora in"
        r" poi)\b.{0,60}"
        r"\b(?:respond|contest|rispond|di|diz)",
    ),
)

OTHER_SCRIPTS = (
    # Russian
    r"\b(?:проигнорируи|игнорируи|забудь|не обращаи)\w*\b.{0,50}\b(?:инструкц|указани|правил|команд"
    r"|сообщени)",
    r"\b(?:отвечаи|ответь)(?:те)?\b.{0,40}\b(?:только|всегда|словом|фразои|что)\b",
    r"\bответ(?:ом|а|е)? на (?:любои|каждыи|все|всякии|любые) вопрос",
    r"\bты (?:теперь|больше не)\b|\bтеперь ты\b|\b(?:отныне|с этого момента)\b.{0,40}\b(?:отвеча"
    r"|ты\b"
    r"|говори|пиши)",
    # Persian
    r"(?:دستور|فرمان|قوانین|هدایت).{0,60}(?:نادیده|فراموش|بی ?توجه)"
    r"|(?:نادیده|فراموش).{0,40}(?:دستور|فرمان|قوانین)",
    r"(?:پاسخ|جواب).{0,12}(?:هر|همه|تمام).{0,6} (?:پرسش|سوال)",
    r"(?:از این پس|از این به بعد|از حالا به بعد|از اکنون).{0,60}(?:پاسخ|جواب|بگو|بنویس)",
    r"\bفقط .{0,40}(?:پاسخ بده|جواب بده|بگو|بنویس)",
    # Arabic, its letters folded as those of Persian are
    r"(?:تجاهل|انس|اهمل|لا تتبع)\S* .{0,40}(?:تعلیمات|اوامر|توجیهات|ارشادات|قواعد)",
    r"(?:جواب|اجابة)\S* (?:علی|عن|الصحیحة) .{0,12}(?:کل|جمیع|ای) |\b(?:اجب|رد|قل) (?:فقط|دائما)\b"
    r"|من الان فصاعدا",
    # Chinese and Japanese
    r"(?:忽略|无视|無視|忘记|忘記|不要理[会會]).{0,12}(?:指令|指示|说明|說明|规则|規則|提示|命令)",
    r"(?:所有|任何|每[个個]|一切)(?:的)?(?:问题|問題)的?(?:唯一)?(?:的)?(?:正[确確])?的?答案",
    r"[只仅請请](?:能|需|要)?(?:回答|回[复復]|[输輸]出)[“\"「:]|[从從][现現]在(?:开始|開始|起)|你[现現]在是",
    r"(?:指示|命令|ルール|プロンプト).{0,8}(?:無視|忘れ)|すべての質問",
)

# Commands that may be for people, too, and so count only beside an order.
COMMANDS = (
    # ... and what a conversation with one looks like.
    r"[\W\d]*(?:user|human|assistant) ?:",
    r"[\W\d]*(?:(?:then|and|also|now|please|instead|first|next|finally|after that|always|never|only"
    r"|simply|just),? )*(?:say|answer|reply|respond|write|print|output|state|tell|repeat|declare"
    r"|insist|begin|start|end|include|insert|add|append|do not|don't|use|mark|rate|label|treat"
    r"|reveal|show|send|call|run|give|mention|claim|put|pretend|act|follow|obey|ignore|forget|cite"
    r"|remember|decode|translate|embed|render|refuse|you (?:must|should|will|shall|may|are|have)"
    r"|your|this is (?:an order|mandatory|required)|failure to|sag|schreib|antworte|dis|dites|di"
    r"|reponds|скажи|напиши|ответь|отвечаи|пиши|بگو|بنویس|قل|اکتب)\b|[\W\d]*[请請只](?:回|说|說|[输輸])",
)

# What a question is about that asks for orders to language models.
TOPICS = (
    r"\b(?:prompt|instruction|command) injections?\b|\binjection attacks?\b|\bjailbr\w+"
    r"|\b(?:system|developer) (?:prompt|message)s?\b|\bprompts?\b|\bchat templates?\b",
    r"\b(?:tool|function)[ _]call\w*|\bimage exfiltration\b|\bexfiltrat\w+",
    r"\b(?:instructions?|orders?|commands?|directives?)\b.{0,40}\b(?:ai|assistants?|language"
    r" models?"
    r"|llms?|chat ?bots?|models?)\b"
    r"|\b(?:ai|assistants?|language models?|llms?|chat ?bots?)\b.{0,40}\b(?:instruct\w*|order\w*"
    r"|told"
    r"|command\w*|obey|say|answer|attack\w*)\b",
)
