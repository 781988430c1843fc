"""The first wall: a statement on users' rows says whose, or is named here with the reason.

`visible` and a user's own id are what says whose. A statement that makes a row of given values sees
none, so it says nothing. Both walls stand for themselves: what is excused here is still behind the
policies (`app.db.policies`) where the API's role runs it.
"""

import ast
import re
from collections.abc import Iterable

from app.db.policies import OPEN, WALLED
from tests.unit.app.db.statements import Module, Statement, modules

ENTRANCE = "reads who somebody is, before anybody knows"
RECONCILER = "the reconciler's, who works for everybody"
LOCKED = "by ids of rows that a statement of the same verb locked, which said whose"
HOME = "of the account that is the viewer's own"
NUMBERS = "numbers of feeds, which are told to nobody"
OPERATOR = "the operator's, as the owner of the schema"
OVER = "over, and seen by nobody any more"

EXCUSED = {
    "app.db.accounts._LOCK": HOME,
    "app.db.accounts._OF_NAMESPACES": RECONCILER,
    "app.db.accounts._SHARE": HOME,
    "app.db.anthropic._ADD": HOME,
    "app.db.anthropic._GIVE": LOCKED,
    "app.db.anthropic._LAGGING": LOCKED,
    "app.db.anthropic._NEWEST": HOME,
    "app.db.anthropic._OF_SANDBOX": RECONCILER,
    "app.db.anthropic._PRUNE": LOCKED,
    "app.db.apitokens._TOUCH": ENTRANCE,
    "app.db.apitokens._VIEWER": ENTRANCE,
    "app.db.audit_pages._everything": OPERATOR,
    "app.db.claims._FAIR": RECONCILER,
    "app.db.claims._PLAIN": RECONCILER,
    "app.db.claims._ONE_SUSPECT": RECONCILER,
    "app.db.claims._SUSPECTS_DUE": RECONCILER,
    "app.db.claims._RENEW": RECONCILER,
    "app.db.claims._RELEASE": RECONCILER,
    "app.db.claims._HELD": RECONCILER,
    "app.db.closings._MARK": HOME,
    "app.db.closings._CLAIM": RECONCILER,
    "app.db.closings._LATER": RECONCILER,
    "app.db.closings._LOCK_CLOSING": OPERATOR,
    "app.db.closings._LOCK_PROJECTS": OPERATOR,
    "app.db.closings._LOCK_ELSEWHERE": OPERATOR,
    "app.db.closings._FORGET": OPERATOR,
    "app.db.closings._FORGET_PROJECTS": OPERATOR,
    "app.db.credentials._LOCK_ACCOUNT": HOME,
    "app.db.credentials._PLACE": LOCKED,
    "app.db.credentials._MODEL": LOCKED,
    "app.db.credentials._REPLACE": LOCKED,
    "app.db.credentials._CHECK": LOCKED,
    "app.db.credentials._DELETE": LOCKED,
    "app.db.credentials._ASK_RESOURCES": HOME,
    "app.db.restoration._ANY": OPERATOR,
    "app.db.restoration._WISHES": OPERATOR,
    "app.db.databases._OF_PROJECT": RECONCILER,
    "app.db.databases._OF_ONE": RECONCILER,
    "app.db.definitions._ADD": RECONCILER,
    "app.db.details.Details._spec": RECONCILER,
    "app.db.details.Details.update": LOCKED,
    "app.db.environment._DELETE": LOCKED,
    "app.db.environment._PUT": LOCKED,
    "app.db.environment._SEALED": RECONCILER,
    "app.db.feed._APPEND": NUMBERS,
    "app.db.feed._STATES": NUMBERS,
    "app.db.grants._LEFT": ENTRANCE,
    "app.db.identities._AS_PROVED": ENTRANCE,
    "app.db.identities._KEEP": ENTRANCE,
    "app.db.identities._PASSWORD": ENTRANCE,
    "app.db.identities._REHASHED": ENTRANCE,
    "app.db.identities._USED": ENTRANCE,
    "app.db.inspections._ASK": RECONCILER,
    "app.db.inspections._CLAIM": RECONCILER,
    "app.db.inspections._LOCK": RECONCILER,
    "app.db.inspections._ONE_SUSPECT": RECONCILER,
    "app.db.inspections._PRESENT": RECONCILER,
    "app.db.inspections._RECORD": RECONCILER,
    "app.db.inspections._RELEASE": RECONCILER,
    "app.db.inventory._BRINGING": RECONCILER,
    "app.db.inventory._NAMESPACES_OF": RECONCILER,
    "app.db.inventory._SETTLED": RECONCILER,
    "app.db.inventory._PLACES": RECONCILER,
    "app.db.inventory._ELSEWHERE": RECONCILER,
    "app.db.projects._LOCK_ALL": RECONCILER,
    "app.db.projects._DESCRIBE": LOCKED,
    "app.db.projects._INTEND": LOCKED,
    "app.db.projects._INTEND_ALL": LOCKED,
    "app.db.overview._HOLDING": OPERATOR,
    "app.db.overview._KUBECONFIGS": OPERATOR,
    "app.db.overview._PLACES": OPERATOR,
    "app.db.overview._TROUBLES": OPERATOR,
    "app.db.projects._ALL": OPERATOR,
    "app.db.projects._SETTLE": LOCKED,
    "app.db.projects._REMOVE_ENVIRONMENT": LOCKED,
    "app.db.projects._REMOVE": LOCKED,
    "app.db.queue._WAITING": RECONCILER,
    "app.db.rechecks._COMING": RECONCILER,
    "app.db.rechecks._PUT_OFF": RECONCILER,
    "app.db.record._locking": RECONCILER,
    "app.db.record._UPDATE": RECONCILER,
    "app.db.record._VOLUMES": RECONCILER,
    "app.db.record._ADDRESSES": RECONCILER,
    "app.db.record._ENDPOINTS": RECONCILER,
    "app.db.record._REMOVE_DETAILS": RECONCILER,
    "app.db.record._REMOVE_PORTS": RECONCILER,
    "app.db.record._REMOVE": RECONCILER,
    "app.db.resources._EDIT": LOCKED,
    "app.db.resources._LOCK": LOCKED,
    "app.db.resources._MOVING": RECONCILER,
    "app.db.resources._WANT": LOCKED,
    "app.db.resources._ASK": RECONCILER,
    "app.db.resources._RETRY": LOCKED,
    "app.db.resources._STOPPING_SANDBOXES": RECONCILER,
    "app.db.retention._TAKE_SESSIONS": OVER,
    "app.db.sandboxes._CLOSE": LOCKED,
    "app.db.sealed.Column.due": OPERATOR,
    "app.db.sealed.Column.swap": OPERATOR,
    "app.db.sessions._RENEW": LOCKED,
    "app.db.sessions._USED": ENTRANCE,
}

USERS = set(WALLED) | set(OPEN)
# Rendered by `visible`, or the user's own id as a bind.
SAYS_WHOSE = re.compile(r"\{visible\(|\buser_id = (CAST\()?:\w+")


def unsaid(statement: Statement) -> bool:
    """Whether it looks at users' rows and does not say whose."""
    theirs = {table for table in statement.looks_at if table in USERS or table.startswith("{")}
    return bool(theirs) and not SAYS_WHOSE.search(statement.sql)


def found(sources: Iterable[Module]) -> set[str]:
    return {one.where for source in sources for one in source.statements() if unsaid(one)}


def test_every_statement_on_users_rows_says_whose_or_is_excused() -> None:
    assert found(modules("app/db")) == set(EXCUSED)


def test_sql_is_in_app_db_and_nowhere_else() -> None:
    elsewhere = {
        source.name
        for folder in ("app", "reconciler")
        for source in modules(folder)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom) and node.module == "sqlalchemy"
        if not source.name.startswith("app.db.")
    }

    assert elsewhere == set()


def test_no_statement_is_made_another_way() -> None:
    builders = {"select", "insert", "update", "delete"}
    used = {
        source.name
        for source in modules("app/db")
        for node in ast.walk(source.tree)
        if (isinstance(node, ast.Name) and node.id in builders)
        or (isinstance(node, ast.Attribute) and node.attr == "exec_driver_sql")
    }

    assert used == set()


def bad(source: str) -> set[str]:
    return found([Module("bad", ast.parse(source))])


def test_a_statement_that_does_not_say_whose_is_found_wherever_it_is_made() -> None:
    assert bad('_ALL = text("SELECT name FROM project")') == {"bad._ALL"}
    assert bad('_ALL = text("SELECT 1 FROM x JOIN resource r ON true")') == {"bad._ALL"}
    assert bad('_OUT = text("DELETE FROM environment WHERE id = :id")') == {"bad._OUT"}
    assert bad('_SET = text("UPDATE user_config SET value = :v WHERE id = :id")') == {"bad._SET"}
    assert bad('_COPY = text("INSERT INTO x SELECT * FROM change")') == {"bad._COPY"}
    assert bad('_ANY = {k: text(f"SELECT 1 FROM {k.lower()}") for k in K}') == {"bad._ANY"}
    assert bad('S = "FROM project p"\n_ALL = text(f"SELECT 1 {S} WHERE {x}")') == {"bad._ALL"}
    assert bad(
        '_PUT = text("INSERT INTO environment (id) VALUES (:id) ON CONFLICT DO UPDATE SET a = 1")'
    ) == {"bad._PUT"}
    assert bad('def make():\n  return text("SELECT 1 FROM api_token")') == {"bad.make"}
    assert bad('class A:\n  def b(self):\n    return text("SELECT 1 FROM session")') == {"bad.A.b"}
    assert bad('def run():\n  sqlalchemy.text("SELECT 1 FROM sandbox")') == {"bad.run"}


def test_one_that_says_whose_or_makes_a_row_is_not() -> None:
    assert not bad("_ONE = text(f\"SELECT 1 FROM project p WHERE {visible('p', 'id')}\")")
    assert not bad("""
class A:
  @property
  def _select(self):
    return f"SELECT 1 FROM {self.table} d"
  def one(self):
    return text(f"{self._select} WHERE {visible('d')}")
""")
    assert not bad('_OWN = text("SELECT 1 FROM user_config WHERE user_id = :user_id")')
    assert not bad('_NEW = text("INSERT INTO project (id) VALUES (:id)")')
    assert not bad('_NOW = text("SELECT mooring_now()")')
