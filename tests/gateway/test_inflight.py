"""Stories of requests and workers, told in seconds: which requests TorchServe has lost, and which workers hang."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from gateway.inflight import InFlight, Ticket


@dataclass
class Story:
    """What a gateway sees. A look every 2 s, as it does, with the workers that are ready then."""

    workers: set[str]
    flight: InFlight = field(default_factory=InFlight)
    tickets: dict[str, Ticket] = field(default_factory=dict)
    now: float = 0.0

    def send(self, *names: str) -> None:
        for name in names:
            self.tickets[name] = self.flight.send(self.now)

    def answer(self, worker: str, *names: str) -> None:
        for name in names:
            ticket = self.tickets.pop(name)
            self.flight.answered(worker, ticket.sent, self.now)
            self.flight.close(ticket)

    def wait(self, seconds: float, probed: tuple[str, ...] = ()) -> list[str]:
        """Go on, and say what was found lost. `probed` are the workers that answer a probe, each when there is one."""
        lost = []
        end = self.now + seconds
        while self.now < end:
            self.now += 2
            for ticket in self.flight.look(frozenset(self.workers), self.now):
                name = next(name for name, known in self.tickets.items() if known is ticket)
                lost.append(name)
                self.flight.close(self.tickets.pop(name))
            if self.flight.in_doubt(self.now):
                for worker in probed:
                    self.flight.answered(worker, self.now, self.now)
        return lost


def test_nothing_is_lost_on_a_quiet_server() -> None:
    story = Story({"1"})
    for turn in range(20):
        story.send(f"a{turn}", f"b{turn}")
        assert story.wait(4) == []
        story.answer("1", f"a{turn}", f"b{turn}")
    assert len(story.flight) == 0
    assert not story.flight.in_doubt(story.now)


def test_a_request_that_died_with_its_worker_is_found_once() -> None:
    story = Story({"1"})
    story.send("a")
    assert story.wait(2) == []
    story.workers = set()
    assert story.wait(6) == [], "the new worker may be given it"
    story.workers = {"2"}
    assert story.wait(20, probed=("2",)) == ["a"]
    assert story.wait(100, probed=("2",)) == []


def test_what_was_put_back_to_the_queue_is_not_lost() -> None:
    """The new worker has it in hand, and so answers no probe."""
    story = Story({"1"})
    story.send("a")
    story.wait(2)
    story.workers = {"2"}
    assert story.wait(60) == []
    story.answer("2", "a")
    assert story.wait(60, probed=("2",)) == []


def test_what_a_living_worker_has_in_hand_is_not_lost_when_another_is_scaled_down() -> None:
    story = Story({"1", "2"})
    story.send("in hand of 1")
    story.wait(2)
    story.send("in hand of 2")
    story.wait(2)
    story.answer("2", "in hand of 2")
    story.workers = {"1"}
    assert story.wait(90) == [], "one that works for long answers no probe"
    story.answer("1", "in hand of 1")
    assert story.wait(60, probed=("1",)) == []


def test_nor_while_the_workers_that_stay_answer_others() -> None:
    story = Story({"1", "2", "3"})
    story.send("long")
    story.wait(2)
    story.workers = {"1", "2"}
    for turn in range(20):
        story.send(f"short{turn}")
        assert story.wait(4, probed=("2",)) == []
        story.answer("2", f"short{turn}")
    story.answer("1", "long")
    assert len(story.flight) == 0


def test_what_was_lost_in_scaling_down_is_found_when_those_that_stay_have_come_past_it() -> None:
    story = Story({"1", "2", "3"})
    story.send("lost", "long")
    story.wait(2)
    story.workers = {"1", "2"}
    assert story.wait(40, probed=("2",)) == [], "1 may have either"
    story.answer("1", "long")
    assert story.wait(20, probed=("1", "2")) == ["lost"]


def test_what_was_lost_is_found_behind_the_requests_of_other_programs() -> None:
    """They fill the queue, so that no probe is answered before they are."""
    story = Story({"1", "2"})
    story.send("lost")
    story.wait(2)
    story.workers = {"1"}
    assert story.wait(60) == []
    assert story.flight.in_doubt(story.now)
    assert story.wait(10, probed=("1",)) == ["lost"]


@pytest.mark.parametrize("at_once", [True, False])
def test_what_was_lost_is_found_when_all_workers_were_replaced(at_once: bool) -> None:
    story = Story({"1", "2"})
    story.send("lost")
    story.wait(2)
    story.workers = {"3", "4"} if at_once else {"2", "3"}
    story.wait(2)
    story.workers = {"3", "4"}
    assert story.wait(10, probed=("3",)) == [], "4 may have it"
    assert story.wait(20, probed=("3", "4")) == ["lost"]


def test_what_was_lost_with_a_worker_that_nobody_saw_is_found_later() -> None:
    """It came and went between two looks."""
    story = Story({"1"})
    story.send("lost")
    assert story.wait(28, probed=("1",)) == []
    assert story.wait(12, probed=("1",)) == ["lost"]


def test_other_answers_are_as_good_as_a_probe() -> None:
    story = Story({"1", "2"})
    story.send("lost")
    story.wait(2)
    story.workers = {"1"}
    story.wait(6)
    story.send("later")
    story.answer("1", "later")
    assert not story.flight.in_doubt(story.now)
    assert story.wait(10) == ["lost"]


def test_answers_of_before_the_loss_prove_nothing() -> None:
    story = Story({"1", "2"})
    story.send("in hand", "early")
    story.wait(6)
    story.answer("1", "early")
    story.workers = {"1"}
    assert story.wait(60) == []


def test_an_answer_that_has_begun_is_not_lost() -> None:
    story = Story({"1"})
    story.send("slow")
    story.tickets["slow"].answering = True
    story.wait(2)
    story.workers = {"2"}
    assert story.wait(100, probed=("2",)) == []
    assert not story.flight.in_doubt(story.now)


def with_a_departure(size: int = 0) -> tuple[InFlight, Ticket]:
    """A request whose worker left, after which the new one answered what was sent at 5 s."""
    flight = InFlight()
    ticket = flight.send(0, size)
    flight.look({"1"}, 1)
    flight.look({"2"}, 2)
    flight.answered("2", 5, 5)
    return flight, ticket


def test_a_large_photo_takes_its_time_to_get_into_the_queue() -> None:
    flight, ticket = with_a_departure(20_000_000)
    assert flight.look({"2"}, 8) == flight.look({"2"}, 10) == [], "a small one that was sent later overtook it"
    flight.answered("2", 11, 11)
    assert flight.look({"2"}, 12) == []
    assert flight.look({"2"}, 14) == [ticket]


def test_one_look_is_not_enough() -> None:
    """The answers of one batch arrive one after the other."""
    flight, ticket = with_a_departure()
    assert flight.look({"2"}, 8) == []
    assert flight.look({"2"}, 10) == [ticket]


def test_two_looks_with_doubt_between_them_are_not_enough_either() -> None:
    flight, ticket = with_a_departure()
    assert flight.look({"2"}, 8) == []
    assert flight.look({"2", "3"}, 10) == [], "the one that came may have it"
    flight.answered("3", 11, 11)
    assert flight.look({"2", "3"}, 12) == []
    assert flight.look({"2", "3"}, 14) == [ticket]


def test_without_a_worker_nothing_is_known() -> None:
    story = Story({"1"})
    story.send("a")
    story.wait(2)
    story.workers = set()
    assert story.wait(100) == []


LONGEST_S = 20.0


def hangs(story: Story) -> bool:
    return story.flight.overdue(story.now, LONGEST_S)


def test_a_worker_that_answers_nothing_for_long_hangs() -> None:
    story = Story({"1"})
    story.send("a")
    story.wait(20)
    assert not hangs(story)
    story.wait(4)
    assert hangs(story)
    story.workers = {"2"}
    story.wait(20)
    assert not hangs(story), "the next one has as long"


def test_a_worker_that_answers_others_does_not_hang() -> None:
    story = Story({"1"})
    story.send("waits", *(f"a{turn}" for turn in range(9)))
    for turn in range(9):
        story.wait(16)
        story.answer("1", f"a{turn}")
        assert not hangs(story)
    story.wait(24)
    assert hangs(story)


def test_one_that_hangs_is_known_beside_one_that_works() -> None:
    story = Story({"1", "2"})
    story.send("in hand of 1")
    for turn in range(5):
        story.wait(6)
        story.send(f"a{turn}")
        story.answer("2", f"a{turn}")
    assert hangs(story)


def test_workers_that_take_requests_of_other_programs_do_not_hang() -> None:
    flight = InFlight()
    flight.send(0)
    for now in range(0, 200, 2):
        flight.look({"1"}, now, queued=200 - now)
        assert not flight.overdue(now, LONGEST_S)
    flight.look({"1"}, 230, queued=2)
    assert flight.overdue(230, LONGEST_S)


def test_without_a_request_or_a_worker_nobody_hangs() -> None:
    story = Story({"1"})
    story.wait(100)
    assert not hangs(story)
    story.workers = set()
    story.send("a")
    story.wait(100)
    assert not hangs(story)


def test_the_heaviest_batch_that_a_worker_may_have() -> None:
    flight = InFlight()
    for megapixels in (1.0, 5.0, 3.0):
        flight.send(0, 0, megapixels)
    assert flight.heaviest(2) == 8.0
