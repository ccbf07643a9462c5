"""What a server counts becomes what its workers had to do."""

from __future__ import annotations

import pytest

from workload import Counted, Workload, between, counted

TORCHSERVE = """\
# HELP ts_queue_latency_microseconds Torchserve prometheus counter metric with unit: Microseconds
# TYPE ts_queue_latency_microseconds counter
ts_queue_latency_microseconds{model_name="objectcut",model_version="1.0",hostname="vm",} 3000000.5
ts_queue_latency_microseconds{model_name="objectcut",model_version="2.0",hostname="vm",} 1000000.0
ts_queue_latency_microseconds{model_name="objectcut-zoo",model_version="1.0",hostname="vm",} 7.0
ts_inference_requests_total{model_name="objectcut",model_version="1.0",hostname="vm",} 30.0
ts_inference_requests_total{model_name="objectcut",model_version="2.0",hostname="vm",} 10.0
ts_inference_requests_total{model_name="objectcut-zoo",model_version="1.0",hostname="vm",} 7.0
objectcut_batch_size_bucket{ModelName="objectcut",Level="Model",Hostname="vm",le="1.0",} 9.0
objectcut_batch_size_count{ModelName="objectcut",Level="Model",Hostname="vm",} 20.0
objectcut_batch_size_sum{ModelName="objectcut",Level="Model",Hostname="vm",} 40.0
objectcut_batch_size_sum{ModelName="objectcut-zoo",Level="Model",Hostname="vm",} 7.0
objectcut_batch_seconds_sum{ModelName="objectcut",Level="Model",Hostname="vm",} 12.5
"""
GATEWAY = """\
objectcut_waiting 3.0
objectcut_queue_seconds_bucket{le="+Inf"} 50.0
objectcut_queue_seconds_count 50.0
objectcut_queue_seconds_sum 2.5e+01
"""


@pytest.mark.parametrize(("text", "in_gateway"), [(GATEWAY + TORCHSERVE, (50.0, 25.0, 3)), (TORCHSERVE, (0.0, 0.0, 0))])
def test_what_is_told_of_one_model_is_found_among_the_others(text: str, in_gateway: tuple[float, float, int]) -> None:
    told = counted(text, "objectcut", 100.0)
    assert told == Counted(100.0, 40.0, 20.0, 12.5, 40.0, pytest.approx(4.0000005), *in_gateway)


BEFORE = Counted(100.0, 40.0, 20.0, 12.5, 40.0, 4.0, 50.0, 25.0, 3)


@pytest.mark.parametrize(
    ("now", "happened"),
    [
        (Counted(110.0, 80.0, 30.0, 27.5, 80.0, 24.0, 90.0, 35.0, 0), Workload(10.0, 40.0, 10.0, 1.5, 0.75)),
        (Counted(110.0, 40.0, 20.0, 12.5, 40.0, 4.0, 50.0, 25.0, 3), Workload(10.0, 0.0, 0.0, 0.0, 0.0)),
        (Counted(110.0, 5.0, 5.0, 1.0, 5.0, 0.0, 60.0, 26.0, 0), None),  # TorchServe was started anew
        (Counted(110.0, 45.0, 21.0, 13.0, 45.0, 4.5, 5.0, 0.0, 0), None),  # the gateway
    ],
)
def test_two_looks_tell_what_happened_between_them(now: Counted, happened: Workload | None) -> None:
    assert between(BEFORE, now) == happened
