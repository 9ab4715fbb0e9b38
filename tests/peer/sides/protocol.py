"""What every side does, in the words of `compare`: a line in, a line out.

    about                                  -> the versions
    query PLACE SQL                        -> the one text that the query gives
    dispatch RECEIVERS PLACE COUNT         -> NANOSECONDS CALLS
    create|update|delete RECEIVERS PLACE COUNT -> NANOSECONDS CALLS

PLACE is `memory` or `file`. NANOSECONDS are those of all COUNT calls, without what makes them ready;
CALLS is how often a receiver was called. The table `users` holds afterwards what the work left in it.
"""

import gc
import sys
from contextlib import contextmanager
from time import perf_counter_ns

# Argon2's least, ready made: what is compared is not the hashing.
HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0$zw6VBCMoUDNVLmHfwlqRqCsSd9tJI0Wh3Ij4Ff0PV8o"

# Those that lback::sqlite::connect sets; FULL is the default of SQLite.
SETTINGS = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"

calls = 0


def receivers(count):
    return [receiver() for _ in range(count)]


def receiver():
    def function(sender, **kwargs):
        global calls
        calls += 1

    return function


@contextmanager
def connected(receivers, signals, connect, disconnect):
    """The receivers, shared out evenly to the signals, while the work is timed."""
    each = len(receivers) // len(signals)
    pairs = [(signals[number // each], receiver) for number, receiver in enumerate(receivers)]
    for signal, receiver in pairs:
        connect(signal, receiver)
    yield
    for signal, receiver in pairs:
        disconnect(signal, receiver)


def names(count):
    return [(f"user{number:06}", f"user{number:06}@example.com") for number in range(count)]


def addresses(count):
    return [f"changed{number:06}@example.com" for number in range(count)]


def timed(work, inputs):
    """Garbage of the time before is nobody's work."""
    gc.collect()
    start = perf_counter_ns()
    work(inputs)
    return perf_counter_ns() - start


def serve(side):
    global calls
    for line in sys.stdin:
        work, _, rest = line.strip().partition(" ")
        if work == "about":
            answer = side.about()
        elif work == "query":
            answer = side.query(*rest.split(" ", 1))
        else:
            count_of_receivers, place, count = rest.split(" ")
            calls = 0
            time = getattr(side, work)(receivers(int(count_of_receivers)), place, int(count))
            answer = f"{time} {calls}"
        print(answer, flush=True)
