"""What stops `mooring dev`, in words that say what to do."""


class DevError(RuntimeError):
    """Something that the person at the keyboard can mend; the message says how."""


class StoppedError(Exception):
    """Ctrl-C or SIGTERM while things were starting."""
