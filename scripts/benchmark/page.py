"""What a person waits for on the page, measured in a real Chromium.

watch.js notes it inside of the page. A moment at which something is seen is the beginning of the frame after the one
that shows it first: by then that one was handed to the screen. Clicks, drags and drops are the browser's own events,
sent through its DevTools; they count from their own time stamps, so that the way from here to the browser is left out.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, CDPSession, Page

from benchmark.aims import Aim
from benchmark.measure import BackgroundLoad, Machine
from benchmark.photos import Size, pair
from benchmark.progress import Start

SMALL, LARGE = (640, 480), (4000, 3000)
"""Width and height of the photos, px."""
SCREENS = {"phone": (390, 844), "laptop": (1366, 768), "wide": (2560, 1300)}
"""Width and height of the windows, px."""
_TOGGLES = 4  # in each round
_DRAG_MS = 500  # over the page; nobody is faster
_SETTLE_MS = 500  # until nothing more moves
_PATIENCE_MS = 120_000
_WIDEST = 240  # CSS px: the largest brush


@dataclass(frozen=True)
class Opening:
    """The page opened with an empty cache.

    Attributes:
        bytes: over the network for each kind of file, with the headers of the answers, as they are compressed there.
        requests: how many, and how many of them went elsewhere than to the page's own server.
        first_paint, first_content: seconds from the navigation, as the browser tells them.
    """

    bytes: Mapping[str, int]
    requests: int
    elsewhere: int
    first_paint: float
    first_content: float


@dataclass(frozen=True)
class Shift:
    """Something that moved although it was seen before.

    Attributes:
        screen, moment: in which window, and when.
        score: the share of the window that it concerns times the share that it moved by, as the browser tells it.
        after_input: within half a second of a click or a key, which the browsers' own score leaves out.
        moved: names of the elements.
    """

    screen: str
    moment: str
    score: float
    after_input: bool
    moved: tuple[str, ...]


@dataclass(frozen=True)
class Drop:
    """From dropping a photo on a page that was just opened until its outlined objects are seen, seconds.

    Attributes:
        photo: its size in words.
        whole: all of it.
        request: the part that /detect took, from the first byte that was sent to the last that came back.
    """

    photo: str
    whole: float
    request: float

    @property
    def page(self) -> float:
        """What the page adds to the server's time."""
        return self.whole - self.request


@dataclass(frozen=True)
class Toggle:
    """From a click on an object until its outline, and the picture of the cut-out, begin to look different, seconds."""

    outline: float
    picture: float


@dataclass(frozen=True)
class Results:
    """Everything of one run.

    Attributes:
        chromium: its version.
        others: share of the processor that other programs kept busy, 0 to 1.
        drops: several for each photo.
        first: the first click on an object of the large photo.
        toggles: later clicks there, on another object.
        toggling, drawing: seconds of the longest task of the page's main thread meanwhile; 0 when none took 0.05.
        toggling_gap, drawing_gap: seconds between two frames at most, meanwhile; 1/60 is the least.
    """

    machine: Machine
    chromium: str
    rounds: int
    others: float
    openings: tuple[Opening, ...]
    shifts: tuple[Shift, ...]
    drops: tuple[Drop, ...]
    first: Toggle
    toggles: tuple[Toggle, ...]
    toggling: float
    toggling_gap: float
    drawing: float
    drawing_gap: float

    def shift(self, moment: str, *, all_of_them: bool) -> float:
        """The largest sum of a window's scores in this moment."""
        return max(
            sum(
                shift.score
                for shift in self.shifts
                if (shift.screen, shift.moment) == (screen, moment) and (all_of_them or not shift.after_input)
            )
            for screen in SCREENS
        )


_DROPPED, _TAKEN = "dropping a photo", ("the cut-out appears", "another object is taken")
MOMENTS = ("opening", _DROPPED, *_TAKEN)
"""In which things may move, one after the other."""


def run(browser: Browser, url: str, folder: Path, rounds: int, start: Start) -> Results:
    """Measure everything.

    Args:
        browser: Chromium.
        url: of the page.
        folder: for the photos.
        rounds: how often the page is opened and each photo dropped; four times as many clicks.
        start: shows how far it is.
    """
    others = BackgroundLoad()
    photos = {}
    for size in (SMALL, LARGE):
        photos[size] = folder / f"{_words(size)}.jpg"
        photos[size].write_bytes(pair(size))
    openings = tuple(_openings(browser, url, rounds, start))
    shifts = tuple(_shifts(browser, url, photos[SMALL], start))
    drops = tuple(_drops(browser, url, photos, rounds, start))
    with _opened(browser, url) as page:
        first, toggles, toggling, toggling_gap = _toggle(page, photos[LARGE], rounds * _TOGGLES, start)
        drawing, drawing_gap = _draw(page, start)
    return Results(
        machine=Machine.this(),
        chromium=browser.version,
        rounds=rounds,
        others=others.share(),
        openings=openings,
        shifts=shifts,
        drops=drops,
        first=first,
        toggles=toggles,
        toggling=toggling,
        toggling_gap=toggling_gap,
        drawing=drawing,
        drawing_gap=drawing_gap,
    )


def aims(results: Results) -> list[Aim]:
    """What the page wants to reach, and what this run did."""

    def most(what: str, goal: float, reached: float, unit: str = "") -> Aim:
        return Aim(what, goal, reached, most=True, unit=unit)

    def median(values: Iterator[float]) -> float:
        return statistics.median(values) * 1e3

    openings, toggles = results.openings, results.toggles
    large = _words(LARGE)
    return [
        most("opening: over the network", 60.0, max(sum(each.bytes.values()) for each in openings) / 1e3, " kB"),
        most("opening: requests to other servers", 0, max(each.elsewhere for each in openings)),
        most("opening: first paint, median", 300, median(each.first_paint for each in openings), " ms"),
        most("opening: first content, median", 300, median(each.first_content for each in openings), " ms"),
        *(most(f"layout shift: {moment}", 0, results.shift(moment, all_of_them=True)) for moment in MOMENTS),
        *(
            most(
                f"{photo}: from the drop to outlines, beside /detect, median",
                150,
                median(drop.page for drop in results.drops if drop.photo == photo),
                " ms",
            )
            for photo in map(_words, (SMALL, LARGE))
        ),
        most(f"{large}: from a click to the outline, median", 50, median(each.outline for each in toggles), " ms"),
        most(f"{large}: from a click to the outline, worst", 50, max(each.outline for each in toggles) * 1e3, " ms"),
        most(f"{large}: from a click to the picture, median", 50, median(each.picture for each in toggles), " ms"),
        most(f"{large}: from a click to the picture, worst", 50, max(each.picture for each in toggles) * 1e3, " ms"),
        most(f"{large}: longest task while objects are clicked", 100, results.toggling * 1e3, " ms"),
        most(f"{large}: longest task while a wide brush draws", 100, results.drawing * 1e3, " ms"),
    ]


def _openings(browser: Browser, url: str, rounds: int, start: Start) -> Iterator[Opening]:
    advance = start("opening the page", rounds)
    for _ in range(rounds):
        advance("")
        with _blank(browser, *SCREENS["laptop"]) as page:
            traffic = _Traffic(page.context.new_cdp_session(page))
            page.goto(url, wait_until="networkidle")
            paint = page.evaluate(
                "Object.fromEntries(performance.getEntriesByType('paint').map((each) => [each.name, each.startTime]))"
            )
            yield Opening(
                traffic.bytes(),
                len(traffic.urls),
                sum(urlsplit(each).netloc != urlsplit(url).netloc for each in traffic.urls),
                paint["first-paint"] / 1e3,
                paint["first-contentful-paint"] / 1e3,
            )


def _shifts(browser: Browser, url: str, photo: Path, start: Start) -> Iterator[Shift]:
    """On the way from opening the page to a second object, in every window."""
    advance = start("layout shift", len(SCREENS))
    for screen, (width, height) in SCREENS.items():
        advance(screen)
        with _opened(browser, url, width, height, touch=screen == "phone") as page:
            for moment in MOMENTS:
                if moment == _DROPPED:
                    _drop(page, photo)
                elif moment in _TAKEN:
                    _take(page, _TAKEN.index(moment))
                page.wait_for_timeout(_SETTLE_MS)
                for each in page.evaluate("watch.noted().shifts"):
                    yield Shift(screen, moment, each["value"], each["hadRecentInput"], tuple(each["moved"]))


def _drops(browser: Browser, url: str, photos: Mapping[Size, Path], rounds: int, start: Start) -> Iterator[Drop]:
    advance = start("dropping photos", rounds * len(photos))
    for _ in range(rounds):
        for size, photo in photos.items():
            advance(_words(size))
            with _opened(browser, url) as page:
                whole = _drop(page, photo)
                yield Drop(_words(size), whole / 1e3, page.evaluate("watch.request('/detect')") / 1e3)


def _toggle(page: Page, photo: Path, times: int, start: Start) -> tuple[Toggle, tuple[Toggle, ...], float, float]:
    """A click on an object, then many on another, each when the last cut-out is there; the longest task and gap."""
    advance = start("clicking objects", times)
    _drop(page, photo)
    page.wait_for_timeout(_SETTLE_MS)
    page.evaluate("watch.noted()")
    toggles = []
    for number in range(times + 1):
        if number:
            advance("")
        toggles.append(_take(page, min(number, 1)))
    return toggles[0], tuple(toggles[1:]), *_longest(page)


def _draw(page: Page, start: Start) -> tuple[float, float]:
    """Bring back much of the photo with a wide brush; the longest task and gap."""
    start("drawing", 1)("")
    page.locator(".tool-add").click()
    page.locator(".tool-size").fill(str(_WIDEST))
    page.locator(".brush-picture").wait_for()
    place = page.locator(".viewer-port").bounding_box()
    assert place is not None
    page.wait_for_timeout(_SETTLE_MS)
    page.evaluate("watch.noted()")
    for number in range(5):  # down the picture, from one side to the other and back
        across, down = (0.1, 0.9)[number % 2], (number + 0.5) / 5
        page.mouse.move(place["x"] + across * place["width"], place["y"] + down * place["height"], steps=15)
        page.mouse.down()
    page.mouse.up()
    page.wait_for_timeout(_SETTLE_MS)
    return _longest(page)


class _Traffic:
    """What a page asks for and gets over the network."""

    def __init__(self, devtools: CDPSession) -> None:
        self.urls: list[str] = []
        self._kinds: dict[str, str] = {}
        self._bytes: dict[str, int] = {}
        devtools.on("Network.requestWillBeSent", self._asked)
        devtools.on("Network.loadingFinished", self._came)
        devtools.send("Network.enable")

    def bytes(self) -> dict[str, int]:
        """For each kind of file, the largest first."""
        kinds: dict[str, int] = {}
        for request, count in self._bytes.items():
            kinds[self._kinds[request]] = kinds.get(self._kinds[request], 0) + count
        return dict(sorted(kinds.items(), key=lambda kind: -kind[1]))

    def _asked(self, event: dict[str, Any]) -> None:
        if urlsplit(event["request"]["url"]).scheme in {"http", "https"}:  # not what the page has in itself
            self.urls.append(event["request"]["url"])
            self._kinds[event["requestId"]] = event["type"]

    def _came(self, event: dict[str, Any]) -> None:
        if event["requestId"] in self._kinds:
            self._bytes[event["requestId"]] = int(event["encodedDataLength"])


@contextmanager
def _blank(browser: Browser, width: int, height: int, *, touch: bool = False) -> Iterator[Page]:
    """A tab with an empty cache, in which nothing is open yet."""
    viewport = {"width": width, "height": height}
    with browser.new_context(viewport=viewport, is_mobile=touch, has_touch=touch) as context:  # type: ignore[arg-type]
        context.add_init_script(path=Path(__file__).with_name("watch.js"))
        page = context.new_page()
        page.set_default_timeout(_PATIENCE_MS)
        yield page


@contextmanager
def _opened(
    browser: Browser,
    url: str,
    width: int = SCREENS["laptop"][0],
    height: int = SCREENS["laptop"][1],
    *,
    touch: bool = False,
) -> Iterator[Page]:
    with _blank(browser, width, height, touch=touch) as page:
        page.goto(url, wait_until="networkidle")
        yield page


def _drop(page: Page, photo: Path) -> float:
    """Drop a photo on the page; ms from there until the outlines are seen."""
    page.evaluate("() => { globalThis.outlined = watch.outlined(); }")
    devtools = page.context.new_cdp_session(page)
    event = {"x": 100, "y": 100, "data": {"items": [], "files": [str(photo)], "dragOperationsMask": 1}}
    devtools.send("Input.dispatchDragEvent", {"type": "dragEnter", **event})
    page.wait_for_timeout(_DRAG_MS)
    for kind in ("dragOver", "drop"):
        devtools.send("Input.dispatchDragEvent", {"type": kind, **event})
    return float(page.evaluate("outlined.then((seen) => seen - watch.dropped)"))


def _take(page: Page, number: int) -> Toggle:
    """Click an object in or out, and wait for the final cut-out."""
    shape = page.locator("#photo [role=checkbox]").nth(number)
    shape.evaluate("(shape) => { globalThis.toggled = watch.toggled(shape); }")
    with page.expect_response("**/cut"):
        page.locator(".object-label").nth(number).click()
    clicked, outline, picture = page.evaluate("toggled")
    page.locator("#outputs").wait_for()
    return Toggle((outline - clicked) / 1e3, (picture - clicked) / 1e3)


def _longest(page: Page) -> tuple[float, float]:
    """Seconds of the longest task, and between two frames, since the page's notes were read last."""
    noted = page.evaluate("watch.noted()")
    return max(noted["tasks"], default=0) / 1e3, max(noted["frames"]) / 1e3


def _words(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
