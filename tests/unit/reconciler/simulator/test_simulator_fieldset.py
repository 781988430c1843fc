"""Field sets: the algebra, and managedFields' way of writing them."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.simulator.fieldset import (
    LEAF,
    Tree,
    difference,
    from_v1,
    intersection,
    paths,
    shown,
    to_v1,
    union,
    with_named,
)

Path = tuple[str, ...]
elements = st.sampled_from(["f:a", "f:b", 'k:{"name":"c"}', 'v:"x"'])
members = st.frozensets(st.lists(elements, min_size=1, max_size=4).map(tuple), max_size=8)


def tree_of(found: frozenset[Path]) -> Tree:
    tree: Tree = {}
    for path in found:
        branch = LEAF
        for element in reversed(path):
            branch = {element: branch}
        tree = union(tree, branch)
    return tree


def set_of(tree: Tree) -> frozenset[Path]:
    return frozenset(paths(tree))


@given(members, members)
def test_the_operations_are_those_of_sets(left: frozenset[Path], right: frozenset[Path]) -> None:
    trees = tree_of(left), tree_of(right)

    assert set_of(trees[0]) == left
    assert set_of(union(*trees)) == left | right
    assert set_of(difference(*trees)) == left - right
    assert set_of(intersection(*trees)) == left & right


@given(members, members)
def test_a_difference_without_overlap_is_the_same_tree(
    left: frozenset[Path], right: frozenset[Path]
) -> None:
    tree = tree_of(left)

    kept = difference(tree, tree_of(right))

    assert (kept is tree) == (not left & right)


@given(members)
def test_managed_fields_read_back_as_they_were_written(found: frozenset[Path]) -> None:
    tree = tree_of(found)

    assert from_v1(to_v1(tree)) == tree


def test_a_leaf_is_written_bare_and_a_container_with_a_dot() -> None:
    tree = tree_of(frozenset({("f:data",), ("f:data", "f:k"), ("f:type",)}))

    assert to_v1(tree) == {"f:data": {".": {}, "f:k": {}}, "f:type": {}}


def test_named_fields_on_the_way_become_members() -> None:
    path = ("f:spec", 'k:{"name":"c"}', "f:image")

    named = set_of(with_named(tree_of(frozenset({path}))))

    assert named == {path, ("f:spec",)}


def test_conflicts_show_paths_as_the_real_server_does() -> None:
    path = ("f:spec", 'k:{"containerPort":80,"protocol":"TCP"}', "f:name")

    assert shown(path) == '.spec[containerPort=80,protocol="TCP"].name'
    assert shown(("f:finalizers", 'v:"x"')) == '.finalizers[="x"]'


def test_members_come_level_by_level() -> None:
    found = frozenset({("f:z",), ("f:a", "f:b"), ("f:a", "f:c", "f:d")})

    assert list(paths(tree_of(found))) == [("f:z",), ("f:a", "f:b"), ("f:a", "f:c", "f:d")]
