"""All knobs of ObjectCut in one typed object.

Each is read from the environment (`OBJECTCUT_MAX_PIXELS=...`), else from the `objectcut` section of
`model-config.yaml`, else it has the default below. A wrong value stops the program at its start, and so does a variable
of that prefix that nobody knows.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from objectcut.worker.cores import available

# As browsers spell it: the scheme's own port is left out.
_ORIGIN = re.compile(r"\*|(?!http://.*:80$|https://.*:443$)https?://([a-z0-9._-]+|\[[0-9a-f:]+\])(:\d{1,5})?")

_RATE = re.compile(r"[1-9]\d{0,8} ?(/|per) ?(\d{1,5} ?)?(second|minute|hour|day)s?", re.IGNORECASE)
_COLLECTOR = re.compile(r"https?://[^\s/?#@]+(/[^\s?#@]*)?")

_SET_BY_SERVE = frozenset(
    (
        "host",
        "port",
        "inference_url",
        "management_url",
        "metrics_url",
        "key_file",
        "models",
        "abandoned",
        "crashes",
        "log_file",
    )
)
_PREFIX = "OBJECTCUT_"
_READ_ELSEWHERE = frozenset(("key", "run_dir", "server"))  # by scripts/rundir.py and scripts/cut.py


def _origin(text: str) -> str:
    if not _ORIGIN.fullmatch(text):
        raise ValueError(
            "an origin is written as browsers do, such as https://photos.example.org or http://10.0.0.7:8080: in lower "
            "case, with nothing behind the host but a port that is not the usual one; * means every origin"
        )
    return text


def _rate(text: str) -> str:
    if text and not _RATE.fullmatch(text):
        raise ValueError("a rate is written as 600/minute, 5000/hour or 100/10 seconds")
    return text


def _network(text: str) -> str:
    try:
        return text if text == "*" else str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise ValueError(
            "a proxy is written as an address such as 10.0.0.7, or as a network such as 10.0.0.0/8; * means everyone"
        ) from None


def _collector(text: str) -> str:
    if text and not _COLLECTOR.fullmatch(text):
        raise ValueError(
            "a collector is written as http://collector:4318; what proves who you are belongs into "
            "OTEL_EXPORTER_OTLP_HEADERS"
        )
    return text


class Settings(BaseSettings):
    """Limits and addresses. Bytes, pixels and seconds, as the names say."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="forbid")

    # What a request may bring.
    max_body_bytes: PositiveInt = Field(
        20_000_000, description="largest request body and largest photo behind a URL, bytes"
    )
    max_pixels: PositiveInt = Field(25_000_000, description="largest photo, width times height, px")
    max_side: PositiveInt = Field(16_384, description="longest side of a photo, px")
    max_result_pixels: PositiveInt = Field(
        25_000_000,
        description="largest result of `margin`, `canvas` or `rotate`, px; one as large as the photo is always allowed",
    )
    max_names: PositiveInt = Field(100, description="most names in `objects`")

    # Photos behind a URL.
    fetch: Literal["on", "off"] = Field("on", description="whether photos are fetched from an `image_url`")
    fetch_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="comma-separated hosts that photos may be fetched from, such as `photos.example.org`, or "
        "`.example.org` with all below it; by default every public one",
    )
    fetch_deny: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="hosts that photos are never fetched from, written likewise"
    )
    fetch_connect_s: PositiveFloat = Field(3.0, description="seconds to reach the host of an `image_url`")
    fetch_total_s: PositiveFloat = Field(8.0, description="seconds for the whole download, redirects included")
    fetch_redirects: int = Field(3, ge=0, description="redirects that are followed")
    fetch_allow: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="comma-separated `host:port` pairs that may be fetched although they are not public"
    )

    # Downloads of weights.
    weights_mirror: str | None = Field(
        None, description="base address that holds torchvision's weight files, for networks without internet"
    )

    # The model worker.
    dtype: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        "auto",
        description="precision (dtype) of the networks; `auto` is fp16 on a GPU, bf16 on CPUs that multiply "
        "it natively, else fp32",
    )
    threads: PositiveInt = Field(
        default_factory=available,
        description="cores that the model workers share; by default all that the process may use, or the CPU limit of "
        "its container",
    )

    remember_s: float = Field(
        120.0,
        ge=0,
        description="seconds for which a worker knows a photo again, in memory alone, so that the next question about "
        "it is answered sooner; 0 forgets each at once",
    )
    remember_mb: int = Field(160, ge=0, description="memory for such photos and what was made of them, MB a worker")

    # TorchServe.
    java_heap_mb: int = Field(
        384,
        ge=64,
        description="heap of TorchServe's Java, MB, which takes half as much again for buffers; five requests of the "
        "largest size must fit into a third of it",
    )

    sandbox: Literal["auto", "on", "off"] = Field(
        "auto",
        description="whether the kernel keeps TorchServe and its workers from other files and machines, by Landlock; "
        "`auto` is wherever Linux has it, and `on` starts nothing without",
    )

    # The gateway.
    origins: Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode] = Field(
        (),
        description="comma-separated origins, such as `https://photos.example.org`, whose pages may call the gateway "
        "beside its own; `*` for all",
    )
    hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="comma-separated names by which the gateway may be called, such as `cut.example.org`; by default "
        "every one, and only this machine's own where it listens on loopback",
    )
    queue: PositiveInt = Field(
        64, description="photos that wait for a worker; further ones are answered with `overloaded`"
    )
    queue_megapixels: PositiveFloat = Field(
        400.0,
        description="megapixels of the photos that wait, likewise; each photo counts 4 more, as the network takes as "
        "long for a small one",
    )
    bodies_mb: PositiveInt = Field(
        400,
        description="MB of requests that are held until they are answered; further ones are answered with `overloaded`",
    )
    connections: PositiveInt = Field(4000, description="connections at a time; further ones are closed")
    connections_each: PositiveInt = Field(
        250, description="of these, from one address, or one /64 network of IPv6; proxies may have all"
    )
    pace: PositiveInt = Field(
        20_000,
        description="bytes per second at which requests must arrive, and answers be read, over each 15 s",
    )
    stop_s: PositiveFloat = Field(
        25.0, description="seconds to finish the photos in flight when the server is told to stop"
    )
    idle_s: PositiveFloat = Field(
        600.0, description="seconds without a photo after which a model that is not the default gives up its worker"
    )
    wake_s: float = Field(
        30.0,
        ge=0,
        description="seconds that a photo waits for the worker of such a model to come back; then it is answered with "
        "`not_ready`, and 0 does that at once",
    )
    callers: Literal["anyone", "keys"] = Field(
        "anyone", description="who may send photos: `anyone`, or only who has a key that scripts/keys.py made"
    )
    keys: Path | None = Field(
        None,
        description="file with the hashes of the keys of those who may send photos, and of those who may change the "
        "models, as scripts/keys.py writes it; by default in the run folder",
    )
    rate: Annotated[str, AfterValidator(_rate)] = Field(
        "",
        description="megapixels that a key, or an address without one, may send in a time, such as `600/minute`; 4 "
        "more count for each photo; by default there is no limit",
    )
    rate_store: SecretStr = Field(
        SecretStr(""),
        description="address of a Redis, `redis://host:6379`, where several gateways count together; by default each "
        "counts for itself",
    )
    proxies: Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], NoDecode] = Field(
        ("127.0.0.1", "::1"),
        description="comma-separated addresses and networks of the proxies in front, whose word is taken for where a "
        "request came from",
    )
    log_format: Literal["text", "json"] = Field("text", description="form of the lines of the gateway's log")
    traces: Annotated[str, AfterValidator(_collector)] = Field(
        "",
        description="address of an OpenTelemetry collector, such as `http://collector:4318`, that is told over "
        "OTLP/HTTP what was done for each photo, and when; by default none is",
    )
    max_model_bytes: PositiveInt = Field(2_000_000_000, description="largest model file that may be uploaded, bytes")
    answer_s: PositiveFloat = Field(
        130.0,
        description="seconds after which a photo is answered with an error at the latest, its waits for a turn and "
        "for a worker included; above TorchServe's responseTimeout",
    )

    # What scripts/serve.py tells the parts.
    host: str = Field("127.0.0.1", description="address the gateway listens on")
    port: int = Field(8000, ge=1, le=65535, description="port the gateway listens on")
    inference_url: str = Field("http://127.0.0.1:8080", description="TorchServe's inference address")
    management_url: str = Field("http://127.0.0.1:8081", description="TorchServe's management address")
    metrics_url: str = Field("http://127.0.0.1:8082", description="TorchServe's metrics address")
    key_file: Path = Field(Path("key_file.json"), description="where TorchServe writes its tokens")
    models: Path | None = Field(None, description="file that lists the models; without it TorchServe has one")
    abandoned: Path | None = Field(
        None, description="folder where the gateway notes requests whose senders left; without it all are finished"
    )
    crashes: Path | None = Field(
        None, description="folder where workers that crash leave traces; without it all deaths of workers look alike"
    )
    log_file: Path | None = Field(None, description="the gateway's log, kept below 80 MB; without it, the console")

    @classmethod
    def from_environment(cls) -> Settings:
        """Return the settings of this process.

        Raises:
            ValueError: a variable has a wrong value, or is none of ours; the message names it in one line.
        """
        cls._refuse_unknown()
        try:
            return cls()
        except ValidationError as error:
            first = error.errors()[0]
            name = f"{_PREFIX}{str(first['loc'][0]).upper()}"
            raise ValueError(f"{name}={first['input']}: {first['msg']}") from None

    @classmethod
    def _refuse_unknown(cls) -> None:
        known = (*cls.model_fields, *_READ_ELSEWHERE)
        for variable in sorted(os.environ):
            prefix, name = variable[: len(_PREFIX)].upper(), variable[len(_PREFIX) :].lower()
            if prefix == _PREFIX and name not in known:
                nearest = difflib.get_close_matches(name, known, 1)
                hint = f"did you mean {_PREFIX}{nearest[0].upper()}?" if nearest else "serve.py --help lists all"
                raise ValueError(f"there is no {variable}; {hint}")

    @classmethod
    def described(cls) -> list[tuple[str, str, str]]:
        """Return the variable, the default (empty where there is none) and the meaning of each that users may set."""
        rows = []
        for name, field in cls.model_fields.items():
            if name in _SET_BY_SERVE:
                continue
            value = None if field.default_factory else field.default
            written = ",".join(value) if isinstance(value, tuple) else str(value or "")
            rows.append((f"{_PREFIX}{name.upper()}", written, str(field.description)))
        return rows

    @field_validator("fetch_allow", "fetch_hosts", "fetch_deny", "hosts", "origins", "proxies", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # The environment wins over model-config.yaml, which arrives as arguments: an operator can change a limit
        # without building the archive anew.
        return env_settings, init_settings
