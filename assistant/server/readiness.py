"""Whether questions can be answered now, and the reason if not."""

import logging
import threading
import time

from assistant.assistant import Assistant
from assistant.errors import AssistantError

logger = logging.getLogger(__name__)

# Whoever asks more often gets the last result: anybody may ask, and finding out costs a search.
_SECONDS = 2.0


class Readiness:
    """Finds out by searching; safe to use from several threads."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self._lock = threading.Lock()
        self._problem: str | None = "the model is being loaded; try again in a few seconds"
        self._found = float("-inf")
        self._warm = False
        self._loaded = False

    def warm_up(self) -> None:
        """Load the model and the index, so that the first question does not wait for them."""
        try:
            self._assistant.warm()
            self._loaded = True
        except AssistantError as error:
            logger.warning("%s", error)
        except Exception:
            logger.exception("the model cannot be loaded")
        with self._lock:
            self._warm = True
            self._find_out()
        self._draw()

    def _draw(self) -> None:
        """Start the process that draws pages, by the first page of a PDF file, if there is one."""
        try:
            documents = self._assistant.status().documents
            first = next((one.source for one in documents if one.type == "pdf"), None)
            if first is not None:
                self._assistant.page_picture(first, 1, width=50)
        except AssistantError:
            return  # Whoever opens that page is told.

    def problem(self) -> str | None:
        """Why questions cannot be answered now; None if they can be."""
        with self._lock:
            if self._warm and time.monotonic() - self._found > _SECONDS:
                self._find_out()
            return self._problem

    def _find_out(self) -> None:
        try:
            if not self._loaded:  # it may have been put right since
                self._assistant.warm()
                self._loaded = True
            self._assistant.search("ready", limit=1)
        except AssistantError as error:
            self._problem = str(error)
        except Exception:
            logger.exception("a search failed")
            self._problem = "the index cannot be searched; the reason is in the server's log"
        else:
            self._problem = None
        self._found = time.monotonic()
