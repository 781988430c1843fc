"""Wake-ups between the processes of a run, which come at once, or are lost while it is cut."""

from collections.abc import Callable

from app.db.wakeups import Publisher


class Wire(Publisher):
    """In the place of NOTIFY, whose delivery takes time that really passes."""

    def __init__(self) -> None:
        super().__init__("")
        self.listeners: list[Callable[[str], None]] = []
        self.cut = False
        self.lost = 0

    def wake(self, *channels: str) -> None:
        """Wake whoever listens."""
        if self.cut:
            self.lost += len(channels)
            return
        for channel in channels:
            for listener in tuple(self.listeners):
                listener(channel)
