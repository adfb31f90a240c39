"""Random trees of puppets: children that end as their strings are pulled."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from hypothesis import strategies as st

from ordersys.supervision import Backoff, ChildContext, ChildSpec, Intensity, SupervisorSpec
from tests.supervision.lab import Away, Boom
from tests.supervision.model import Mood

RESTARTS = ("permanent", "transient", "temporary")
WAIT = Backoff(first_s=0.5, factor=2.0, cap_s=4.0, jitter="none", reset_after_s=10.0)


def backoff(first_s: float) -> Backoff:
    return Backoff(first_s=first_s, factor=2.0, cap_s=16.0, jitter="none", reset_after_s=20.0)


class Puppet:
    """Ends as its strings are pulled; writes down its starts and ends."""

    def __init__(self, path: str, trace: list[tuple[str, str]]) -> None:
        self.path = path
        self.trace = trace
        self.mood: Mood = "good"
        self.alive = 0
        self.alive_max = 0
        self.pull: asyncio.Future[None] | None = None

    async def __call__(self, context: ChildContext) -> None:
        self.trace.append(("start", self.path))
        self.alive += 1
        self.alive_max = max(self.alive, self.alive_max)
        try:
            if self.mood == "good":
                context.ready()
                self.pull = asyncio.get_running_loop().create_future()
                draining = asyncio.ensure_future(context.wait_draining())
                await asyncio.wait([self.pull, draining], return_when="FIRST_COMPLETED")
                if not self.pull.done():
                    return
                draining.cancel()
                self.pull.result()
            elif self.mood != "quits":
                raise ERRORS[self.mood]
        finally:
            self.alive -= 1
            self.trace.append(("end", self.path))

    def end(self, how: Mood) -> None:
        assert self.pull is not None
        if how == "quits":
            self.pull.set_result(None)
        else:
            self.pull.set_exception(ERRORS[how]())


ERRORS: dict[str, type[Exception]] = {"bad": Boom, "away": Away}


CHILDREN = [
    {"restart": restart, "backoff": backoff(first_s)} for restart in RESTARTS for first_s in (1.0, 0.25, 3.0)
]
SUPERVISORS = [
    {
        "strategy": strategy,
        "intensity": Intensity(max_restarts=max_restarts, within_s=within_s),
        "on_give_up": on_give_up,
        "backoff": backoff(first_s),
    }
    for strategy in ("one_for_one", "one_for_all", "rest_for_one")
    for max_restarts, within_s in ((1, 9.5), (0, 5.0), (2, 5.0), (4, 9.5))
    for on_give_up in ("escalate", "mark_failed")
    for first_s in (0.75, 2.0)
]


@st.composite
def trees(draw: st.DrawFn, depth: int, autos: list[str], node_id: str = "root") -> SupervisorSpec:
    """A supervisor of up to four children, some of them supervisors in turn."""
    children: list[ChildSpec | SupervisorSpec] = []
    for child_id in "abcd"[: draw(st.integers(1, 4))]:
        if depth and draw(st.integers(0, 2)) == 2:
            child: ChildSpec | SupervisorSpec = draw(trees(depth - 1, autos, child_id.upper()))
            child = replace(child, restart=draw(st.sampled_from(RESTARTS)))
        else:
            child = ChildSpec(id=child_id, start=unbound, **draw(st.sampled_from(CHILDREN)))
        children.append(child)
    auto = draw(st.sampled_from(autos))
    if auto != "never":
        children = [
            replace(child, significant=child.restart != "permanent" and draw(st.booleans()))
            for child in children
        ]
    return SupervisorSpec(
        id=node_id,
        children=tuple(children),
        auto_shutdown=auto if any(child.significant for child in children) else "never",
        wait_backoff=WAIT,
        **draw(st.sampled_from(SUPERVISORS)),
    )


async def unbound(context: ChildContext) -> None:
    raise AssertionError("replaced by a puppet")


def bind(spec: SupervisorSpec, prefix: str, puppets: dict[str, Puppet], trace: list) -> SupervisorSpec:
    """The same tree with a puppet for each child."""
    children: list[ChildSpec | SupervisorSpec] = []
    for child in spec.children:
        path = f"{prefix}{child.id}"
        if isinstance(child, SupervisorSpec):
            children.append(bind(child, f"{path}/", puppets, trace))
        else:
            puppets[path] = Puppet(path, trace)
            children.append(replace(child, start=puppets[path]))
    return replace(spec, children=tuple(children))
