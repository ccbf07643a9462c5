"""What a person waits for on the page, measured in a real Chromium.

watch.js notes it inside of the page. A moment at which something is seen is the beginning of the frame after the one
that shows it first: by then that one was handed to the screen. Clicks, drags and drops are the browser's own events,
sent through its DevTools; they count from their own time stamps, so that the way from here to the browser is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page

from benchmark.figures import Figures, Goal
from benchmark.measure import tracked
from benchmark.photos import LARGE, SMALL, label, pair

OPENING, SHIFTS, MOVED, WAITING = "Opening", "Layout shift", "What moved", "Waiting, ms"
SCREENS = {"phone": (390, 844), "laptop": (1366, 768), "wide": (2560, 1300)}
"""Width and height of the windows, px."""
MOMENTS = ("opening", "dropping a photo", "the cut-out appears", "another object is taken")
"""In which things may move, one after the other."""
_TOGGLES = 4  # in each round
_DRAG_MS = 500  # over the page; nobody is faster
_SETTLE_MS = 500  # until nothing more moves
_PATIENCE_MS = 120_000
_WIDEST = 240  # CSS px: the largest brush
Click = tuple[float, float, float]
"""The ms at which an object was clicked, and at which its outline and the picture began to look different."""


def measure(figures: Figures, browser: Browser, url: str, folder: Path, rounds: int) -> None:
    """Measure everything: the photos go to the folder; the page is opened and each photo dropped once in a round."""
    photos = {size: folder / f"{label(size)}.jpg" for size in (SMALL, LARGE)}
    for size, photo in photos.items():
        photo.write_bytes(pair(size))
    for _ in tracked("opening the page", range(rounds)):
        _open(figures, browser, url)
    for screen in tracked("using it in other windows", ("phone", "wide")):
        with _tab(browser, screen) as page:
            _use(figures, page, url, screen, photos[SMALL])
    for size in tracked("using it", list(photos) * rounds):
        with _tab(browser, "laptop") as page:
            tell = partial(_tell, figures, label(size))
            whole, request, clicks, noted = _use(figures, page, url, "laptop", photos[size])
            tell("from the drop to outlines", whole)
            tell("/detect", request)
            tell("from the drop to outlines, beside /detect", whole - request)
            if size == LARGE:
                clicks += [_click(page, 1) for _ in range(_TOGGLES - 1)]
                for number, (clicked, outline, picture) in enumerate(clicks):
                    which = "a click" if number else "the first click"
                    tell(f"from {which} to the outline", outline - clicked)
                    tell(f"from {which} to the picture", picture - clicked)
                noted.append(page.evaluate("watch.noted()"))
                for name in ("white", "colour", "transparent"):
                    change = _waited(page, "background", f"[name=look-background][value={name}] + span")
                    tell("change of background", change)
                tell("brush ready", _waited(page, "brush", ".tool-erase"))
                for when, notes in (("objects are clicked", noted), ("a wide brush draws", [_draw(page)])):
                    tell(f"longest task while {when}", _longest(notes, "tasks"))
                    tell(f"longest gap between frames while {when}", _longest(notes, "frames"))


def goals(figures: Figures) -> list[Goal]:
    """Return what the page should reach, beside what this run measured."""

    def ms(when: str, what: str, limit: float, statistic: str) -> Goal:
        values = figures.get(WAITING, "ms", when=when, what=what)
        value = median(values) if statistic == "median" else max(values)
        return Goal(f"{when}: {what}" + f", {statistic}" * (statistic != "longest"), limit, value, " ms")

    small, large, drop = label(SMALL), label(LARGE), "from the drop to outlines, beside /detect"
    elsewhere = max(figures.get(OPENING, "requests", kind="other servers"))
    return [
        Goal("opening: over the network", 70, max(figures.get(OPENING, "kB", kind="all")), " kB"),
        Goal("opening: requests to other servers", 0, elsewhere),
        ms("opening", "first paint", 300, "median"),
        ms("opening", "first content", 300, "median"),
        *(Goal(f"layout shift: {each}", 0, max(figures.get(SHIFTS, "score", when=each))) for each in MOMENTS),
        ms(small, drop, 150, "median"),
        ms(large, drop, 150, "median"),
        ms(large, "from a click to the outline", 50, "median"),
        ms(large, "from a click to the outline", 50, "worst"),
        ms(large, "from a click to the picture", 50, "median"),
        ms(large, "from a click to the picture", 50, "worst"),
        ms(large, "change of background", 100, "median"),
        ms(large, "change of background", 100, "worst"),
        ms(large, "brush ready", 200, "median"),
        ms(large, "longest task while objects are clicked", 100, "longest"),
        ms(large, "longest task while a wide brush draws", 100, "longest"),
    ]


def _tell(figures: Figures, when: str, what: str, ms: float) -> None:
    figures.add(WAITING, {"when": when, "what": what}, {"ms": ms})


def _open(figures: Figures, browser: Browser, url: str) -> None:
    """Open the page with an empty cache."""
    asked: list[dict[str, Any]] = []
    kilobytes: dict[str, float] = {}
    with _tab(browser, "laptop") as page:
        devtools = page.context.new_cdp_session(page)
        devtools.on("Network.requestWillBeSent", lambda event: asked.append(event))
        devtools.on(
            "Network.loadingFinished",
            lambda event: kilobytes.update({event["requestId"]: event["encodedDataLength"] / 1e3}),
        )
        devtools.send("Network.enable")
        page.goto(url, wait_until="networkidle")
        for what, name in (("first paint", "first-paint"), ("first content", "first-contentful-paint")):
            _tell(figures, "opening", what, page.evaluate(f"performance.getEntriesByName('{name}')[0].startTime"))
    kinds: defaultdict[str, list[float]] = defaultdict(list, {"all": [], "other servers": []})
    for event in asked:
        address = urlsplit(event["request"]["url"])
        if address.scheme in {"http", "https"}:  # not what the page has in itself
            elsewhere = [] if address.netloc == urlsplit(url).netloc else ["other servers"]
            for kind in ("all", event["type"], *elsewhere):
                kinds[kind].append(kilobytes.get(event["requestId"], 0))
    for kind, loaded in kinds.items():
        figures.add(OPENING, {"kind": kind}, {"requests": len(loaded), "kB": sum(loaded)})


def _use(
    figures: Figures, page: Page, url: str, screen: str, photo: Path
) -> tuple[float, float, list[Click], list[dict[str, Any]]]:
    """Open the page, drop a photo, and click two of its objects; add what moves meanwhile.

    Returns:
        The ms of the drop and of its /detect, the clicks, and what watch.js noted with each click.
    """
    notes = []

    def settle(moment: str) -> None:
        notes.append(_settled(page))
        shifts, row = notes[-1]["shifts"], {"window": screen, "when": moment}
        own = sum(each["value"] for each in shifts if not each["hadRecentInput"])
        figures.add(SHIFTS, row, {"score": sum(each["value"] for each in shifts), "browser's own score": own})
        for each in shifts:
            figures.add(MOVED, {**row, "what": ", ".join(each["moved"])}, {"score": each["value"]})

    page.goto(url, wait_until="networkidle")
    settle("opening")
    whole, request = _drop(page, photo), page.evaluate("watch.request('/detect')")
    settle("dropping a photo")
    first = _click(page, 0)
    settle("the cut-out appears")
    second = _click(page, 1)
    settle("another object is taken")
    return whole, request, [first, second], notes[2:]


def _draw(page: Page) -> dict[str, Any]:
    """Bring back much of the photo with a wide brush; what watch.js noted."""
    _turn(page, "cutout")
    page.locator(".tool-add").click()
    page.locator(".tool-size").fill(str(_WIDEST))
    page.locator(".brush-picture").wait_for()
    place = page.locator(".viewer-port").bounding_box()
    assert place is not None
    _settled(page)
    for number in range(5):  # down the picture, from one side to the other and back
        across, down = (0.1, 0.9)[number % 2], (number + 0.5) / 5
        page.mouse.move(place["x"] + across * place["width"], place["y"] + down * place["height"], steps=15)
        page.mouse.down()
    page.mouse.up()
    return _settled(page)


def _turn(page: Page, view: str) -> None:
    """Show the photo or the cut-out, where the window has no room for both."""
    button = page.locator(f"#views [data-view={view}]")
    if button.is_visible():
        button.click()


def _settled(page: Page) -> dict[str, Any]:
    """What watch.js noted since it was asked last, once nothing more moves."""
    page.wait_for_timeout(_SETTLE_MS)
    noted: dict[str, Any] = page.evaluate("watch.noted()")
    return noted


def _longest(notes: Sequence[dict[str, list[float]]], kind: str) -> float:
    return max((ms for noted in notes for ms in noted[kind]), default=0)


@contextmanager
def _tab(browser: Browser, screen: str) -> Iterator[Page]:
    """A tab with an empty cache."""
    width, height = SCREENS[screen]
    touch = screen == "phone"
    with browser.new_context(viewport={"width": width, "height": height}, is_mobile=touch, has_touch=touch) as context:
        context.add_init_script(path=Path(__file__).with_name("watch.js"))
        page = context.new_page()
        page.set_default_timeout(_PATIENCE_MS)
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


def _click(page: Page, number: int) -> Click:
    """Click an object in or out, and wait for the final cut-out."""
    shape = page.locator("#photo [role=checkbox]").nth(number)
    shape.evaluate("(shape) => { globalThis.toggled = watch.toggled(shape); }")
    with page.expect_response("**/cut"):
        page.locator(".object-label").nth(number).click()
    clicked, outline, picture = page.evaluate("toggled")
    page.locator("#outputs").wait_for()
    _turn(page, "photo")  # taking all that there is shows the cut-out
    return clicked, outline, picture


def _waited(page: Page, what: str, selector: str) -> float:
    """Click an element, and wait for what watch.js sees of it; the ms in between."""
    page.evaluate("(what) => { globalThis.waited = watch[what](); }", what)
    page.locator(selector).click()
    clicked, seen = page.evaluate("waited")
    page.wait_for_timeout(_SETTLE_MS)
    return float(seen - clicked)
