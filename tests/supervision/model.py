"""OTP's rules as a few pages of recursion, to compare the supervisor with. Written without a look at it.

Children are puppets: they are up, or end, at once; so a start, a stop and a failure are function calls that
are over when they return. Time is ``Model.now``; what is due later is in ``Model.due``. Sources:
https://www.erlang.org/doc/apps/stdlib/supervisor, and for WAITING and ``mark_failed`` the README.
"""

from __future__ import annotations

from typing import Literal

from ordersys.supervision import Backoff, ChildSpec, State, SupervisorSpec

Mood = Literal["good", "bad", "away", "quits"]


class Delay:
    def __init__(self, backoff: Backoff) -> None:
        self.backoff = backoff
        self.attempts = 0

    def after(self, well_for: float) -> float:
        if well_for >= self.backoff.reset_after_s:
            self.attempts = 0
        delay = min(self.backoff.cap_s, self.backoff.first_s * self.backoff.factor**self.attempts)
        self.attempts += 1
        return delay


class Node:
    def __init__(self, model: Model, spec: ChildSpec | SupervisorSpec, path: str, boss: Boss | None) -> None:
        self.model, self.spec, self.path, self.boss = model, spec, path, boss
        self.state = State.STOPPED
        self.held = self.done = False
        self.began = 0.0
        self.delay = Delay(spec.backoff)

    @property
    def running(self) -> bool:
        return self.state is State.READY

    @property
    def idle(self) -> bool:
        return not self.running and self.path not in self.model.due

    def well_for(self) -> float:
        return self.model.now - self.began

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError

    def stopped(self) -> None:
        self.state = State.STOPPED
        if self.spec.restart == "temporary" and not self.held:
            self.done = True

    def is_done(self) -> None:
        """It ended by itself and stays down."""
        self.state, self.done = State.STOPPED, True
        if self.boss is not None:
            self.boss.one_is_done(self)

    def fail(self) -> None:
        """It failed, and is not temporary: restarted, or the boss gives up."""
        if self.boss is None:
            self.state, self.model.failed = State.FAILED, True
        elif self.boss.spend():
            self.state = State.BACKING_OFF
            self.model.schedule(self, self.delay.after(self.well_for()), self.boss.restart_group)
            self.boss.group_down(self)
        else:
            self.state = State.FAILED
            self.boss.give_up()


class Puppet(Node):
    spec: ChildSpec
    boss: Boss

    def __init__(self, model: Model, spec: ChildSpec, path: str, boss: Boss) -> None:
        super().__init__(model, spec, path, boss)
        self.mood: Mood = "good"
        self.waits = Delay(boss.spec.wait_backoff)

    def start(self) -> None:
        self.model.due.pop(self.path, None)
        self.model.trace.append(("start", self.path))
        self.state, self.done, self.began = State.READY, False, self.model.now
        if self.mood != "good":
            self.ends(self.mood)

    def stop(self) -> None:
        self.model.due.pop(self.path, None)
        if self.running:
            self.model.trace.append(("end", self.path))
        if self.state is not State.FAILED:
            self.stopped()

    def ends(self, how: Mood) -> None:
        self.model.trace.append(("end", self.path))
        restart = self.spec.restart
        if restart == "temporary" or (how == "quits" and restart == "transient"):
            self.is_done()
        elif how == "away":
            self.state = State.WAITING
            self.model.schedule(self, self.waits.after(self.well_for()), lambda node: node.start())
        else:
            self.fail()


class Boss(Node):
    spec: SupervisorSpec

    def __init__(self, model: Model, spec: SupervisorSpec, path: str, boss: Boss | None) -> None:
        super().__init__(model, spec, path, boss)
        self.prefix = "" if boss is None else f"{path}/"
        self.children: list[Node] = []
        for child in spec.children:
            make = Boss if isinstance(child, SupervisorSpec) else Puppet
            self.children.append(make(model, child, f"{self.prefix}{child.id}", self))  # type: ignore[arg-type]
        self.spent: list[float] = []
        self.to_start: list[Node] = []
        self.leader: Node | None = None

    def start(self) -> None:
        self.spent = []
        self.begin()

    def begin(self) -> None:
        self.model.due.pop(self.path, None)
        self.state, self.done, self.began = State.READY, False, self.model.now
        self.go_up(self.children)

    def go_up(self, nodes: list[Node]) -> None:
        self.leader = None
        self.to_start = [child for child in self.children if child in self.to_start or child in nodes]
        while self.to_start:
            node = self.to_start.pop(0)
            if node.idle and not node.held:
                node.start()

    def go_down(self, nodes: list[Node]) -> None:
        self.leader = None
        self.to_start = [node for node in self.to_start if node not in nodes]
        for node in reversed(nodes):
            if not (node.idle and node.state in (State.STOPPED, State.FAILED)):
                node.stop()

    def stop(self) -> None:
        self.model.due.pop(self.path, None)
        if self.running:
            self.go_down(self.children)
        self.stopped()

    def spend(self) -> bool:
        self.spent = [at for at in self.spent if self.model.now - at <= self.spec.intensity.within_s]
        if len(self.spent) == self.spec.intensity.max_restarts:
            return False
        self.spent.append(self.model.now)
        return True

    def fellows(self, node: Node) -> list[Node]:
        place = self.children.index(node)
        others = {"one_for_one": [], "one_for_all": self.children, "rest_for_one": self.children[place:]}
        return [each for each in others[self.spec.strategy] if each is not node]

    def group_down(self, node: Node) -> None:
        if self.fellows(node):
            self.go_down(self.fellows(node))
            self.leader = node

    def restart_group(self, node: Node) -> None:
        if not self.fellows(node):
            node.start()
        else:
            self.go_up([node, *self.rejoining(node)])

    def rejoining(self, node: Node) -> list[Node]:
        return [each for each in self.fellows(node) if each.spec.restart != "temporary"]

    def ordered(self) -> None:
        """Somebody gave an order to a child: if it was the one its group waited for, they wait no more."""
        if self.leader is not None and self.leader.state is not State.BACKING_OFF:
            self.go_up(self.rejoining(self.leader))

    def give_up(self) -> None:
        self.go_down(self.children)
        if self.spec.on_give_up == "mark_failed":
            self.state = State.FAILED
            self.model.schedule(self, self.spec.backoff.cap_s, lambda _: self.begin())
        elif self.spec.restart == "temporary" and self.boss is not None:
            self.is_done()
        else:
            self.fail()

    def one_is_done(self, node: Node) -> None:
        if not node.spec.significant:
            return
        others = [each for each in self.children if each.spec.significant and each is not node]
        active = [
            each
            for each in others
            if each.running or each.path in self.model.due or (each in self.to_start and not each.held)
        ]
        if self.spec.auto_shutdown == "any_significant" or not active:
            self.go_down(self.children)
            if self.boss is None:
                self.stopped()
            elif self.spec.restart == "permanent":
                self.fail()
            else:
                self.is_done()


class Model:
    """A tree, the time, and what is due; ``trace`` is what the puppets did."""

    def __init__(self, root: SupervisorSpec, now: float) -> None:
        self.now = now
        self.failed = False
        self.trace: list[tuple[str, str]] = []
        self.due: dict[str, tuple[float, int, Node, object]] = {}
        self.scheduled = 0
        self.root = Boss(self, root, root.id, None)
        self.lines: dict[str, list[Node]] = {}
        self._list([self.root])
        self.root.start()

    @property
    def over(self) -> bool:
        return self.failed or self.root.state is State.STOPPED

    def puppets(self) -> list[Puppet]:
        return [line[-1] for line in self.lines.values() if isinstance(line[-1], Puppet)]

    def schedule(self, node: Node, delay: float, what: object) -> None:
        self.scheduled += 1
        self.due[node.path] = (self.now + delay, self.scheduled, node, what)

    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        while self.due and not self.over:
            at, _, node, what = min(self.due.values(), key=lambda entry: entry[:2])
            if at > end:
                break
            self.now = at
            del self.due[node.path]
            what(node)  # type: ignore[operator]
        self.now = end

    def order_stop(self, path: str) -> None:
        node = self.lines[path][-1]
        node.held = True
        node.stop()
        self._ordered(path)

    def order_start(self, path: str) -> None:
        line = self.lines[path]
        for node in line:
            node.held = False
        idle = next((node for node in line if not node.running), None)
        if idle is not None:
            idle.start()
            self._ordered(idle.path)

    def order_restart(self, path: str) -> None:
        *above, node = self.lines[path]
        if all(each.running for each in above):
            node.held = False
            if node.running:
                node.stop()
            node.start()
            self._ordered(path)
        else:
            self.order_start(path)

    def _ordered(self, path: str) -> None:
        boss = self.lines[path][-1].boss
        if boss is not None and boss.running:
            boss.ordered()

    def _list(self, line: list[Node]) -> None:
        self.lines[line[-1].path] = line
        for child in getattr(line[-1], "children", []):
            self._list([*line, child])
