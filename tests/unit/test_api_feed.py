"""The pieces of the live feed: places, frames, window, ring."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersys.api.feed import frames
from ordersys.api.feed.frames import Changes, frame
from ordersys.api.feed.places import Place, log_name, place_of
from ordersys.api.feed.ring import Ring
from ordersys.api.feed.window import CHANGES_KEPT, CHANGES_MAX, Window
from ordersys.contract.events import Event, OrderCreated, OrderStatusChanged, encode
from tests.integration.flow import order_created

CREATED, CHANGED = "order.created", "order.status.changed"
AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


class Record(NamedTuple):
    topic: str
    partition: int
    offset: int
    value: bytes | None
    key: bytes | None = None
    headers: Any = ()


def created_record(offset: int, order_id: str = "a", partition: int = 0) -> Record:
    return Record(CREATED, partition, offset, encode(order_created(order_id)))


def changed_record(offset: int, order_id: str = "a", version: int = 1) -> Record:
    cause: Event = order_created(order_id)
    return Record(
        CHANGED,
        0,
        offset,
        encode(OrderStatusChanged.by(cause, "NEW", "PROCESSING", version, at=AT)),
    )


def new_window(*offsets: int) -> Window:
    partitions = [(CREATED, 0), (CREATED, 1), (CHANGED, 0)]
    decoders: Any = {CREATED: frames.created, CHANGED: frames.changed}
    return Window(partitions, offsets or (0, 0, 0), decoders)


# -- places -------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=40))
def test_a_place_is_found_again_by_its_text(offsets: list[int]) -> None:
    place = Place(log_name("cluster", [(CREATED, 0)]), tuple(offsets))
    assert place_of(str(place)) == place


@given(st.text(max_size=60))
def test_any_text_is_a_place_or_none(text: str) -> None:
    found = place_of(text)
    assert found is None or all(offset >= 0 for offset in found.offsets)


@pytest.mark.parametrize(
    "text", ["", "a", "a.", "a.-1", "a.1.x", "a.1..2", "a." + "9" * 5000, "a.²", "a.1\n"]
)
def test_what_is_no_place(text: str) -> None:
    assert place_of(text) is None


def test_logs_differ_by_cluster_topics_and_partitions() -> None:
    names = {
        log_name("one", [(CREATED, 0)]),
        log_name("two", [(CREATED, 0)]),
        log_name("one", [(CREATED, 0), (CREATED, 1)]),
        log_name("one", [(CHANGED, 0)]),
    }
    assert len(names) == 4


# -- frames -------------------------------------------------------------------------------------------------


def test_a_frame_is_an_event_with_one_line_of_data() -> None:
    change = frames.created(created_record(0).value or b"")
    change = msgspec.structs.replace(change, order=msgspec.structs.replace(change.order, item_sku="a\nb\r"))
    lines = frame("changes", Changes(changes=[change], omitted=3), id="x.1.2", retry_ms=1500).split(b"\n")
    assert lines[:3] == [b"retry: 1500", b"id: x.1.2", b"event: changes"]
    assert lines[3].startswith(b'data: {"changes":[{"kind":"created","order":{"id":"a",')
    assert lines[3].endswith(b'"omitted":3}')
    assert lines[4:] == [b"", b""]


def test_changes_have_the_fields_of_the_contract() -> None:
    told = msgspec.json.decode(
        frames.encode(
            [frames.created(created_record(0).value or b""), frames.changed(changed_record(0).value or b"")]
        )
    )
    assert told == [
        {
            "kind": "created",
            "order": {
                "id": "a",
                "customer_email": "a@example.com",
                "item_sku": "SKU-1",
                "quantity": 1,
                "amount_cents": 1999,
                "status": "NEW",
                "order_version": 0,
                "created_at_utc": "2026-01-02T03:04:05.678901Z",
            },
        },
        {
            "kind": "changed",
            "id": "a",
            "previous_state": "NEW",
            "current_state": "PROCESSING",
            "order_version": 1,
            "at": "2026-01-02T03:04:05.678901Z",
        },
    ]


# -- window -------------------------------------------------------------------------------------------------


def kinds(changes: Changes) -> list[str]:
    return [type(change).__name__ for change in changes.changes]


def test_accepted_orders_come_before_their_changes() -> None:
    window = new_window()
    window.add([changed_record(0), created_record(0)])
    cut = window.cut()
    assert kinds(cut) == ["Created", "Changed"]
    assert cut.omitted == 0
    assert window.offsets == (1, 0, 1)
    assert (window.count, window.cut().changes) == (0, [])


def test_the_place_moves_with_what_was_taken() -> None:
    window = new_window(5, 6, 7)
    assert window.offsets == (5, 6, 7)
    window.add([created_record(9, partition=1), changed_record(7), changed_record(8)])
    assert window.offsets == (5, 10, 9)


def test_as_many_as_fit_are_told_whole_and_more_are_counted() -> None:
    window = new_window()
    window.add([created_record(offset, str(offset)) for offset in range(CHANGES_MAX)])
    assert (len((cut := window.cut()).changes), cut.omitted) == (CHANGES_MAX, 0)
    window.add([created_record(offset, str(offset)) for offset in range(CHANGES_MAX + 1)])
    cut = window.cut()
    assert (len(cut.changes), cut.omitted) == (CHANGES_KEPT, CHANGES_MAX + 1 - CHANGES_KEPT)
    assert isinstance(cut.changes[-1], frames.Created)
    assert cut.changes[-1].order.id == str(CHANGES_MAX)


@pytest.mark.parametrize("value", [None, b"", b"{}", b"\xff", b"[" * 1000, b'{"order_id": 1}'])
def test_what_is_no_event_is_passed_over(value: bytes | None) -> None:
    window = new_window()
    window.add([Record(CREATED, 0, 0, value), created_record(1)])
    cut = window.cut()
    assert (kinds(cut), cut.omitted) == (["Created"], 0)
    assert window.offsets == (2, 0, 0)


# -- ring ---------------------------------------------------------------------------------------------------


def new_ring(count: int, **limits: int) -> Ring:
    """Frames ``0``, ``1``, …, each two events long."""
    ring = Ring(**limits)
    ring.begin((10, 0))
    for number in range(count):
        ring.append(b"%d" % number, (10 + number, 1 + number))
    return ring


def test_who_is_up_to_date_misses_nothing() -> None:
    assert new_ring(3).since((12, 3)) == []
    assert new_ring(0).since((10, 0)) == []


def test_what_was_missed_is_all_after_the_place() -> None:
    ring = new_ring(3)
    assert ring.since((10, 0)) == [b"0", b"1", b"2"]
    assert ring.since((11, 2)) == [b"2"]
    # In the middle of a frame: it is told again as a whole.
    assert ring.since((11, 1)) == [b"1", b"2"]


@pytest.mark.parametrize("place", [(9, 0), (13, 3), (12, 4), (12,), (), (12, 3, 0)])
def test_places_before_after_and_beside_what_is_kept_are_refused(place: tuple[int, ...]) -> None:
    assert new_ring(3).since(place) is None


def test_the_oldest_make_room() -> None:
    ring = new_ring(5, frames_max=2)
    assert ring.since((10, 0)) is None
    assert ring.since((12, 3)) == [b"3", b"4"]
    ring = new_ring(5, bytes_max=3)
    assert ring.since((11, 2)) == [b"2", b"3", b"4"]
    assert ring.since((10, 1)) is None


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=30), st.data())
def test_a_replay_is_complete_and_begins_no_earlier_than_it_must(
    steps: list[tuple[int, int]], data: st.DataObject
) -> None:
    ring, place, told = Ring(frames_max=10), (0, 0), []
    ring.begin(place)
    for number, (one, other) in enumerate(steps):
        if not (one or other):
            continue
        place = (place[0] + one, place[1] + other)
        told.append((b"%d" % number, place))
        ring.append(*told[-1])
    start = (0, 0) if len(told) <= 10 else told[-11][1]
    asked = (data.draw(st.integers(0, place[0] + 1)), data.draw(st.integers(0, place[1] + 1)))
    found = ring.since(asked)
    if not (within(start, asked) and within(asked, place)):
        assert found is None
        return
    assert found is not None
    first = len(told) - len(found)
    assert all(within(after, asked) for _, after in told[:first])
    assert not found or not within(told[first][1], asked)


def within(some: tuple[int, ...], others: tuple[int, ...]) -> bool:
    return all(mine <= theirs for mine, theirs in zip(some, others, strict=True))


def test_what_is_passed_over_moves_the_end_alone() -> None:
    ring = new_ring(1)
    ring.pass_over((14, 5))
    assert ring.since((14, 5)) == []
    assert ring.since((10, 0)) == [b"0"]
    assert ring.since((15, 5)) is None


def test_an_event_of_another_type_is_not_taken_for_an_order() -> None:
    with pytest.raises(msgspec.ValidationError):
        frames.created(changed_record(0).value or b"")
    assert issubclass(OrderCreated, Event)
