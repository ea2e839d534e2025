"""Two threads load `requests` with their first requests. One begins while the other has loaded only a part.

`requests` is a package whose parts import each other: a thread that imports a part of it can, at the wrong moment, find
another part half made. The audit hook makes that moment.
"""

import sys
import threading
import time

from bc_events._delivery.api import EventsAPI
from bc_events._delivery.request import Request


def main() -> None:
    api = EventsAPI("http://127.0.0.1:9", auth=None, timeout=(1, 1), http=None)
    answers = []
    first = threading.Thread(target=lambda: answers.append(api.post(Request((), b"{}", "a-key"))))
    second = threading.Thread(target=lambda: answers.append(api.prepare()))

    def let_the_second_in(event: str, arguments: tuple[object, ...]) -> None:
        if event == "import" and arguments[0] == "requests.packages" and threading.current_thread() is first:
            second.start()
            until = time.monotonic() + 30
            while not _waits_for(first, second):
                assert time.monotonic() < until, "the second thread never waited for the first"
                time.sleep(0.001)

    sys.addaudithook(let_the_second_in)
    first.start()
    first.join()
    second.join()
    sys.exit(len(answers) != 2)


def _waits_for(owner: threading.Thread, waiting: threading.Thread) -> bool:
    """Whether the import of this thread waits for a module that the other imports."""
    frame = sys._current_frames().get(waiting.ident or 0)
    return frame is not None and frame.f_code.co_name == "acquire" and frame.f_locals["self"].owner == owner.ident


if __name__ == "__main__":
    main()
