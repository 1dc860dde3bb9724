"""An answer on a screen, as it is made."""

from contextlib import closing

from assistant.answering import Answer, Draft, Events, Piece, Searching
from assistant.cli import views
from assistant.cli.screen import Screen, one_line

# While a language model has not begun its next sentence.
WAITING = "…"


def tell(events: Events, screen: Screen, *, question: str) -> Answer:
    """Show what is searched and each sentence with its verdict, as they come; returns the whole.

    On a terminal a language model's words are seen as it writes them, until they were checked.
    """
    searched = one_line(question)
    try:
        with closing(events):
            for event in events:
                if isinstance(event, Searching):
                    queries = "; ".join(map(one_line, event.searches or (event.search_query,)))
                    if queries != searched:
                        screen.write((f"searched for: {queries}", "dim"))
                    searched = queries
                elif isinstance(event, Draft):
                    screen.draft(event.text or WAITING)
                elif isinstance(event, Piece):
                    views.show_sentence(event.sentence, event.text, screen)
                elif isinstance(event, Answer):
                    answer = event
    finally:
        screen.draft("")
    return answer
