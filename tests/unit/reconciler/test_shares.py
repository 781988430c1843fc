"""How the slots of passes are shared."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

import pytest

from app.db.claims import Claim
from app.domain.states import Lane
from reconciler.shares import Shares
from tests.unit.reconciler.sandbox import claim

SHARES = Shares(slots=32, account=16, own=4, most=lambda _, usual: usual)


def passes(
    count: int, account: int = 1, lane: Lane = Lane.ASKED, server: str | None = None
) -> list[Claim]:
    return [replace(claim(lane=lane), account_id=UUID(int=account), server=server)] * count


def taken(shares: Shares, wanting: Iterable[int], lane: Lane = Lane.ASKED) -> Counter[int]:
    """How many passes each account has, all of which want more than there is, once each pass that
    they began with is over."""
    held: list[Claim] = []
    for _ in range(3 * shares.slots):
        held = held[1:]
        for account in wanting:
            rooms = shares.rooms(lane, held)
            room = rooms.of.get(UUID(int=account), rooms.each)
            held += passes(max(0, min(room, shares.more(lane, held))), account, lane)
    return Counter(one.account_id.int for one in held)


@pytest.mark.parametrize("accounts", [1, 2, 3, 7, 20])
def test_however_many_want_all_there_is_a_slot_for_the_next_one(accounts: int) -> None:
    had = taken(SHARES, range(accounts))
    held = [one for account, count in had.items() for one in passes(count, account)]

    assert min(had.values()) >= max(1, max(had.values()) - 1)
    assert SHARES.more(Lane.ASKED, held) >= 1


@pytest.mark.parametrize("flood", list(Lane))
def test_no_lane_takes_the_slots_of_all(flood: Lane) -> None:
    held = passes(100, lane=flood)[: SHARES.more(flood, [])]

    others = [lane for lane in Lane if lane is not flood]

    assert SHARES.more(flood, held) == 0
    assert all(SHARES.more(lane, held) >= 8 for lane in others)


def test_a_lane_has_a_part_of_its_own_and_of_what_is_free() -> None:
    parts = {lane: SHARES.part(lane, []) for lane in Lane}
    rest = SHARES.part(Lane.ASKED, passes(30, lane=Lane.DELETION))

    assert parts == {Lane.ASKED: 16, Lane.DELETION: 8, Lane.CLOCK: 8}
    assert rest == 2


def test_an_account_has_no_more_than_its_share_in_all_lanes_together() -> None:
    held = [*passes(8), *passes(5, lane=Lane.DELETION), *passes(3, lane=Lane.CLOCK)]

    assert SHARES.rooms(Lane.ASKED, held).full == [UUID(int=1)]


def test_a_users_cluster_has_fewer_and_fewest_while_it_is_in_doubt() -> None:
    doubted = replace(SHARES, most=lambda account, usual: 1 if account.int == 2 else usual)
    held = [*passes(1, 1, server="https://a"), *passes(1, 2, server="https://b"), *passes(1, 3)]

    rooms = doubted.rooms(Lane.ASKED, held)

    assert rooms.of == {UUID(int=1): 3, UUID(int=2): 0, UUID(int=3): 5}
    assert (rooms.each, rooms.each_own) == (6, 4)


def test_neither_the_operators_cluster_nor_users_take_the_last_slots() -> None:
    theirs, operators = passes(12, server="https://a"), passes(21)

    assert SHARES.sides(Lane.ASKED, 12, []) == [(None, 12)]
    assert SHARES.sides(Lane.ASKED, 8, theirs) == [(False, 8)]
    assert SHARES.sides(Lane.ASKED, 4, operators) == [(True, 4)]
    assert SHARES.sides(Lane.ASKED, 20, theirs[:10]) == [(True, 2), (False, 20)]


def test_nor_do_they_over_all_lanes_together() -> None:
    spread = [
        *passes(8, server="https://a"),
        *passes(8, lane=Lane.DELETION, server="https://a"),
    ]

    assert SHARES.sides(Lane.ASKED, 8, spread) == [(False, 8)]
    assert SHARES.sides(Lane.CLOCK, 4, [*passes(20), *passes(8, lane=Lane.DELETION)]) == [(True, 4)]


@pytest.mark.parametrize("slots", [4, 5, 8])
def test_of_few_slots_everybody_still_gets_one(slots: int) -> None:
    few = replace(SHARES, slots=slots, account=slots // 2)

    assert all(few.part(lane, []) >= 1 for lane in Lane)
    assert taken(few, [1])[1] >= 1
    for lane in Lane:
        users = passes(few.more(lane, []), lane=lane, server="https://a")
        operators = passes(few.more(lane, []), lane=lane)
        assert (False, 1) in few.sides(lane, 1, users)
        assert (True, 1) in few.sides(lane, 1, operators)


def test_who_had_no_more_room_may_have_more_that_is_due() -> None:
    rooms = SHARES.rooms(Lane.ASKED, [])

    assert not rooms.left_some([])
    assert not rooms.left_some(passes(rooms.each_own - 1))
    assert rooms.left_some(passes(rooms.each_own))
    assert SHARES.rooms(Lane.ASKED, passes(SHARES.account)).left_some([])
