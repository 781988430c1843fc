"""What a new password may not be: guessable from the login, or one of the commonest.

NIST SP 800-63B section 5.1.1.2 asks for both comparisons and for no rule of composition. The list
is read when the first password is chosen; its source and licence are in the file.
"""

from functools import cache
from importlib import resources

# Without the login, a password must still be this long to count as more than the login.
_BESIDE_LOGIN = 8


def is_common(password: str) -> bool:
    """Whether it is one of the 10,000 commonest, without regard to case."""
    return password.casefold() in _common()


def is_login(password: str, login: str) -> bool:
    """Whether it is the login, forwards or backwards, with less than a password beside it."""
    folded, name = password.casefold(), login.casefold()
    if not name:
        return False
    rest = (folded.replace(form, "") for form in (name, name[::-1]) if form in folded)
    return any(len(beside) < _BESIDE_LOGIN for beside in rest)


@cache
def _common() -> frozenset[str]:
    listed = resources.files(__package__).joinpath("common_passwords.txt").read_text("utf-8")
    return frozenset(listed.partition("\n---\n")[2].split("\n")) - {""}
