"""How the benchmark shows what it measured: tables for people, and a chart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmark.aims import overview, warn_if_busy
from benchmark.results import Results, aims
from benchmark.stages import AROUND, INSIDE
from parity import Summary

MB = 1e6


def show(results: Results, console: Console) -> None:
    """Print everything, the aims last."""
    _introduce(results, console)
    for table in (_timings(results), _inside(results), _around(results)):
        console.print(table)
    if results.refinements:
        console.print(_refinements(results))
    if results.parity:
        console.print(_parity(results))
    _remark(results, console)
    console.print(overview(aims(results)))


def chart(results: Results, path: Path) -> None:
    """Photos a second of every side, one panel a model."""
    from matplotlib.figure import Figure  # only here: it takes long to import

    colours = {"original": "tab:red", "stock, 4": "tab:orange"}
    figure = Figure(figsize=(5 * len(results.models), 4), layout="constrained")
    panels = figure.subplots(1, len(results.models), squeeze=False)[0]
    for panel, figures in zip(panels, results.models, strict=True):
        photos = list(dict.fromkeys(timing.photo for timing in figures.timings))
        sides = list(dict.fromkeys(timing.side for timing in figures.timings))
        width = 0.8 / len(sides)
        for number, side in enumerate(sides):
            own = [timing for timing in figures.timings if timing.side == side]
            left = [photos.index(timing.photo) + number * width for timing in own]
            colour = colours.get(side, "tab:blue")
            bars = panel.bar(left, [1 / timing.seconds for timing in own], width, color=colour, edgecolor="white")
            panel.bar_label(bars, [side] * len(own), fontsize=7, rotation=90, padding=2)
        panel.set_xticks([place + 0.4 - width / 2 for place in range(len(photos))], photos)
        panel.set(title=figures.model, ylabel="photos a second")
        panel.margins(y=0.2)
    figure.suptitle(f"{results.machine.processor}, {results.machine.cores} cores")
    figure.savefig(path)


def _introduce(results: Results, console: Console) -> None:
    machine = results.machine
    console.print(
        f"{machine.processor}, {machine.cores} cores, {machine.threads} threads, {', '.join(machine.instructions)}; "
        f"torch {machine.torch}, torchvision {machine.torchvision}. Medians of {results.rounds} rounds; "
        f"other programs kept {results.others:.0%} of the processor busy meanwhile."
    )
    warn_if_busy(results.others, console)
    peaks = ", ".join(f"{peak / 1e9:.0f} G multiply-adds/s in {dtype}" for dtype, peak in results.peaks.items())
    console.print(f"Large matrix products: {peaks}.")
    for figures in results.models:
        console.print(
            f"{figures.model}: {figures.weights} weights, ours in {figures.dtype}, {figures.proposals} proposals."
        )
    console.print("What a network finds is replaced by the same 50 detections on every side; 10 of them are wanted.")


def _remark(results: Results, console: Console) -> None:
    """What needs no table."""
    if results.layers:
        layers = results.layers
        console.print(
            f"coco-v1: backbone and FPN do {layers.multiply_adds / 1e9:.1f} G multiply-adds on {layers.shape[1]} x "
            f"{layers.shape[0]} in {layers.seconds:.3f} s: {layers.speed / 1e9:.0f} G/s."
        )
    if results.alone:
        alone = results.alone
        console.print(
            f"bundled, 640x480, the network alone, no mask pasted: eager fp32 {alone.eager * 1e3:.1f} ms with 50 "
            f"masks, {alone.eager_wanted * 1e3:.1f} ms with the 10 wanted; ours {alone.ours * 1e3:.1f} ms."
        )
    if results.crowd:
        crowd = results.crowd
        console.print(
            f"bundled: {crowd.detections} detections in {crowd.photo}, 10 wanted: the original takes "
            f"{crowd.original / MB:.0f} MB at most, ours {crowd.ours / MB:.0f} MB."
        )
    if results.requests:
        times = results.requests
        console.print(
            f"One 640x480 JPEG, bundled: the network alone {times.network * 1e3:.1f} ms; a whole request "
            f"{times.gateway * 1e3:.1f} ms through the gateway, {times.torchserve * 1e3:.1f} ms to TorchServe, "
            f"{times.smooth * 1e3:.1f} ms with smooth edges. Beside the handler's own time that is "
            f"{times.gateway_overhead * 1e3:.1f} ms and "
            f"{times.torchserve_overhead * 1e3:.1f} ms. The server was ready after {times.ready:.1f} s, and took "
            f"{times.first * 1e3:.0f} ms for the first request."
        )


def _timings(results: Results) -> Table:
    table = _table("From pixels to the wanted masks at full size", "model", "photo", "side, batch")
    for heading in ("s a photo", "photos/s", "original x", "peak MB"):
        table.add_column(heading, justify="right")
    for figures in results.models:
        for row in figures.timings:
            original = results.seconds(figures.model, row.photo, "original")
            table.add_row(
                figures.model,
                row.photo,
                row.side,
                f"{row.seconds:.3f}",
                f"{1 / row.seconds:.2f}",
                f"{original / row.seconds:.2f}" if original else "",
                f"{row.peak_bytes / MB:.0f}",
                end_section=row.side == figures.timings[-1].side,
            )
    return table


def _inside(results: Results) -> Table:
    table = _table("Stages of the detector, one photo, ms", "model", "photo")
    for stage in (*INSIDE, "sum"):
        table.add_column(stage, justify="right")
    for figures in results.models:
        for photo, stages in figures.inside.items():
            seconds = [stages[stage] for stage in INSIDE]
            table.add_row(figures.model, photo, *(f"{value * 1e3:.1f}" for value in (*seconds, sum(seconds))))
    return table


def _around(results: Results) -> Table:
    table = _table("Stages around it, 10 objects, ms (and kB of the file)", "photo")
    for stage in AROUND:
        table.add_column(stage, justify="right")
    for row in results.around:
        size = {stage: f" ({length / 1e3:.0f})" for stage, length in row.bytes.items()}
        table.add_row(row.photo, *(f"{row.seconds[stage] * 1e3:.1f}{size.get(stage, '')}" for stage in AROUND))
    return table


def _refinements(results: Results) -> Table:
    table = _table("The edge of one object, drawn along the photo", "photo")
    for heading in ("network, ms", "edge, ms", "colours, ms", "over the network", "bytes a pixel"):
        table.add_column(heading, justify="right")
    for row in results.refinements:
        times = (f"{seconds * 1e3:.1f}" for seconds in (row.network, row.edge, row.colours))
        table.add_row(row.photo, *times, f"{row.seconds / row.network:.2f}", f"{row.bytes_a_pixel:.1f}")
    return table


def _parity(results: Results) -> Table:
    table = _table("The bundled model beside torchvision's own forward in fp32", "")
    for dtype in results.parity:
        table.add_column(dtype, justify="right")
    lines: dict[str, Callable[[Summary], object]] = {
        "photos": lambda s: s.photos,
        "detections of torchvision's": lambda s: s.compared,
        "missing": lambda s: s.missing,
        "invented": lambda s: s.invented,
        "box IoU below 0.95": lambda s: s.boxes_apart,
        "mask IoU below 0.97": lambda s: s.masks_apart,
        "worst box IoU, median": lambda s: f"{s.worst_box_iou:.4f}, {s.median_box_iou:.4f}",
        "worst mask IoU, median": lambda s: f"{s.worst_mask_iou:.4f}, {s.median_mask_iou:.4f}",
    }
    for name, value in lines.items():
        table.add_row(name, *(str(value(summary)) for summary in results.parity.values()))
    return table


def _table(title: str, *headings: str) -> Table:
    return Table(*headings, title=title, title_justify="left", title_style="bold")
