"""blinker: signals and no database."""

from importlib.metadata import version

from blinker import Signal

from protocol import serve, timed


class Side:
    def about(self):
        return f"blinker {version('blinker')}"

    def dispatch(self, receivers, place, count):
        signal = Signal()
        repository, user, session = object(), object(), object()
        for receiver in receivers:
            signal.connect(receiver)

        def work(count):
            for _ in range(count):
                signal.send(repository, user=user, session=session)

        return timed(work, count)


serve(Side())
