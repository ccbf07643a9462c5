"""Which of the found instances are wanted.

What the box and the class can decide is decided before the mask head runs (`candidates`); what needs the mask,
afterwards (`choose`). Filters come first (names, region, point), then `pick` chooses among what is left. What the
sender drew a box around (`boxed`) is always wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from objectcut.edges.matte import Found
from objectcut.errors import CutError, wrong_field
from objectcut.identity import identify, match
from objectcut.instance import UNNAMED, Instance, Query
from objectcut.item import Job
from objectcut.request.labels import Labels
from objectcut.request.options import CutOptions


def boxed(options: CutOptions, width: int, height: int) -> tuple[Instance, ...]:
    """Return what the sender drew boxes around, as instances without a name.

    Args:
        options: of the request.
        width, height: of the photo, px.

    Raises:
        CutError: `invalid_request` for a box beside the photo.
    """
    instances: dict[int, Instance] = {}  # boxes that are almost the same share an id
    for x0, y0, x1, y1 in options.box:
        box = max(x0, 0.0), max(y0, 0.0), min(x1, float(width)), min(y1, float(height))
        if box[0] >= box[2] or box[1] >= box[3]:
            raise wrong_field("box", f"lies outside of the photo, which has {width} x {height} px")
        id_ = identify(UNNAMED, box, width, height)
        instances.setdefault(id_, Instance(id_, UNNAMED, 1.0, box))
    return tuple(instances.values())


def query(job: Job) -> Query:
    """Return what the network shall look for in the photo of a job."""
    options = job.request.options
    size = job.preview.width, job.preview.height

    def keep(found: Sequence[Instance]) -> list[Instance]:
        narrowed = options.objects or options.roi or options.point or isinstance(options.pick, tuple)
        detected = [] if job.boxed and not narrowed else candidates(found, options, job.wanted)
        return [*job.boxed, *detected]

    return Query(job.preview.pixels, options.min_score, keep, size, job.recent.sight, job.recent.remember)


def candidates(found: Sequence[Instance], options: CutOptions, wanted: frozenset[int]) -> list[Instance]:
    """Return the instances that may be in the answer, best score first, judged by class, box and id.

    Args:
        found: all instances of the photo, best score first.
        wanted: labels.
    """
    ids = match(options.pick, [instance.id for instance in found]) if isinstance(options.pick, tuple) else None
    return [
        instance
        for instance in found
        if instance.label in wanted
        and (ids is None or instance.id in ids)
        and (options.roi is None or _inside(_centre(instance.box), options.roi))
        and (options.point is None or _inside(options.point, _widened(instance.box)))
    ]


def choose(
    found: Iterable[Found],
    options: CutOptions,
    main: Callable[[Sequence[tuple[float, Instance]]], Sequence[Instance]],
) -> list[Instance]:
    """Return the instances of the answer, boxes first, then by score, judged by their masks.

    Args:
        found: boxes, then best score first, at any scale. Each is looked at once and let go, and no more of them than
            needed.
        options: of the request.
        main: finds the main subject among instances, each of which stands behind its area, px.
    """
    boxed: list[Instance] = []
    areas: list[tuple[float, Instance]] = []
    for item in found:
        area = item.area
        if area and item.instance.label == UNNAMED:
            boxed.append(item.instance)
        elif area == 0 or (options.point is not None and not item.covers(*options.point)):
            continue
        else:
            areas.append((area, item.instance))
            if options.pick == "best" and options.point is None:
                break
    if options.point is not None and areas:
        areas = [min(areas, key=lambda pair: pair[0])]
    if options.pick == "largest" and areas:
        areas = [max(areas, key=lambda pair: pair[0])]
    if options.pick == "main":
        return [*boxed, *main(areas)]
    return [*boxed, *(instance for _, instance in areas)]


def nothing_found(found: Sequence[Instance], options: CutOptions, labels: Labels) -> CutError:
    """Return the error for a photo in which nothing of what was asked for is."""
    names = (labels.classes[instance.label] for instance in found)
    present = [name for name in dict.fromkeys(names) if name in labels.names]
    asked = " or ".join(f"'{name}'" for name in options.objects) or "known object"
    narrowed = [
        words
        for words, given in (
            ("at that point", options.point),
            ("in that region", options.roi),
            ("with those ids", options.pick if isinstance(options.pick, tuple) else None),
        )
        if given is not None
    ]
    there = (
        f"The photo shows: {', '.join(present)}."
        if present
        else "Nothing that the model knows was found with that score."
    )
    problem = (
        f"No {asked} was found{''.join(f' {words}' for words in narrowed)} with a score of at least "
        f"{options.min_score:g}. {there} If you can see it, send its position as 'box'."
    )
    if options.box:
        problem = "No object stands out in the box. Draw the box tightly around one object."
        if options.objects:
            problem += f" No {asked} was found either. {there}"
    reason = "nothing_in_box" if options.box else "not_in_photo" if options.objects else "nothing_there"
    return CutError(
        "object_not_found",
        problem,
        details={"found": present, "names": list(options.objects), "reason": reason, "possible": ["box"]},
    )


def _centre(box: tuple[float, float, float, float]) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _widened(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """Return the box with the rim that a pasted mask may reach beyond it: one cell of 28, and whole pixels."""
    x, y = (box[2] - box[0]) / 28 + 1, (box[3] - box[1]) / 28 + 1
    return box[0] - x, box[1] - y, box[2] + x, box[3] + y


def _inside(point: tuple[float, float], box: tuple[float, float, float, float]) -> bool:
    return box[0] <= point[0] < box[2] and box[1] <= point[1] < box[3]
