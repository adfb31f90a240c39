"""The steps of a batch: what is free, what is held, what fails, and in which order."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ordersys.contract.errors import Rejected, Undecodable
from ordersys.contract.events import OrderCreated, encode
from ordersys.runtime import steps
from tests.unit.test_contract_events import created

DECODER = msgspec.json.Decoder(OrderCreated)


class Rec(NamedTuple):
    offset: int
    key: bytes | None
    value: bytes | None
    topic: str = "t"
    partition: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()


def test_decode_keeps_the_place_of_what_cannot_be_read() -> None:
    items = steps.decode(
        [Rec(0, b"a", encode(created())), Rec(1, b"a", b"{"), Rec(2, None, None), Rec(3, b"b", b"[" * 5000)],
        DECODER,
    )
    assert [item.record.offset for item in items] == [0, 1, 2, 3]
    assert [type(item.error) for item in items] == [type(None), Undecodable, Undecodable, Undecodable]
    assert "null" in str(items[2].error)


def test_the_key_of_a_record_without_one_is_its_order() -> None:
    items = steps.decode([Rec(0, None, encode(created(order_id="o9"))), Rec(1, None, b"x")], DECODER)
    assert [item.key for item in items] == [b"o9", None]


class Unguarded:
    """These functions end nobody's process."""

    def enter(self, record: object) -> None:
        del record

    def leave(self) -> None:
        pass


GUARD = Unguarded()


def items_of(keys: list[bytes | None]) -> list[steps.Item]:
    return [steps.Item(Rec(offset, key, b""), key, created()) for offset, key in enumerate(keys)]


def test_parked_keys_hold_their_later_events_back_and_nobody_elses() -> None:
    free, held = steps.hold_back(items_of([b"a", b"b", b"a", None]), {b"a", None})
    assert [item.record.offset for item in free] == [1, 3]
    assert [(failure.item.record.offset, failure.state) for failure in held] == [(0, "held"), (2, "held")]


def test_an_event_that_fails_is_alone_and_holds_its_key() -> None:
    def act(item: steps.Item) -> int:
        if item.record.offset == 1:
            raise ValueError("defect")
        return item.record.offset

    decided, failures = steps.decide(items_of([b"a", b"a", b"b", b"a"]), act, GUARD)
    assert [value for _, value in decided] == [0, 2]
    assert [(failure.item.record.offset, failure.state) for failure in failures] == [
        (1, "retrying"),
        (3, "held"),
    ]


def test_what_no_attempt_can_mend_is_dead_at_once() -> None:
    assert steps.state_of(Undecodable("x")) == "dead"
    assert steps.state_of(Rejected("x")) == "dead"
    assert steps.state_of(ValueError("x")) == "retrying"


@given(
    st.lists(st.sampled_from([b"a", b"b", b"c", None]), max_size=30),
    st.sets(st.integers(0, 29)),
    st.sets(st.sampled_from([b"a", b"b", b"c"])),
)
def test_no_event_passes_an_earlier_one_of_its_key(keys, failing, parked) -> None:
    def act(item: steps.Item) -> None:
        if item.record.offset in failing:
            raise ValueError("defect")

    items = items_of(keys)
    free, held = steps.hold_back(items, parked)
    decided, failures = steps.decide(free, act, GUARD)
    stopped = [failure.item for failure in [*held, *failures]]
    assert len(decided) + len(stopped) == len(items)
    for item, _ in decided:
        earlier = [s for s in stopped if s.key is not None and s.key == item.key]
        assert all(s.record.offset > item.record.offset for s in earlier)
