"""All knobs of ObjectCut in one typed object.

Each is read from the environment (`OBJECTCUT_MAX_PIXELS=...`), else from the `objectcut` section of
`model-config.yaml`, else it has the default below. A wrong value stops the program at its start.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from objectcut.worker.cores import available

# As browsers spell it: the scheme's own port is left out.
_ORIGIN = re.compile(r"\*|(?!http://.*:80$|https://.*:443$)https?://([a-z0-9._-]+|\[[0-9a-f:]+\])(:\d{1,5})?")


def _origin(text: str) -> str:
    if not _ORIGIN.fullmatch(text):
        raise ValueError(
            "an origin is written as browsers do, such as https://photos.example.org or http://10.0.0.7:8080: in lower "
            "case, with nothing behind the host but a port that is not the usual one; * means every origin"
        )
    return text


class Settings(BaseSettings):
    """Limits and addresses. Bytes, pixels and seconds, as the names say."""

    model_config = SettingsConfigDict(env_prefix="OBJECTCUT_", frozen=True, extra="forbid")

    # What a request may bring.
    max_body_bytes: PositiveInt = Field(20_000_000, description="largest request body, and largest photo behind a URL")
    max_pixels: PositiveInt = Field(25_000_000, description="largest photo, width times height")
    max_side: PositiveInt = Field(16_384, description="longest side of a photo, px")
    max_result_pixels: PositiveInt = Field(
        25_000_000, description="largest picture that a margin may lead to; one as large as the photo always may be"
    )
    max_names: PositiveInt = Field(100, description="most names in `objects`")

    # Photos behind a URL.
    fetch_connect_s: PositiveFloat = Field(3.0, description="seconds to reach the host")
    fetch_total_s: PositiveFloat = Field(8.0, description="seconds for the whole download, redirects included")
    fetch_redirects: int = Field(3, ge=0, description="redirects that are followed")
    fetch_allow: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="comma-separated host:port pairs that may be fetched although they are not public"
    )

    # The model worker.
    dtype: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        "auto",
        description="precision (dtype) of the network; auto takes the fastest that suits the model and the device",
    )
    threads: PositiveInt = Field(
        default_factory=available,
        description="cores that the model workers share; photos of a batch are decoded and encoded on as many",
    )

    # TorchServe.
    java_heap_mb: int = Field(
        384,
        ge=64,
        description="heap of TorchServe's Java, MB, which takes half as much again for buffers; five requests of the "
        "largest size must fit into a third",
    )

    # The gateway.
    host: str = Field("127.0.0.1", description="address the gateway listens on")
    port: int = Field(8000, ge=1, le=65535, description="port the gateway listens on")
    origins: Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode] = Field(
        (), description="comma-separated origins whose pages may call the gateway beside its own, or *"
    )
    inference_url: str = Field("http://127.0.0.1:8080", description="TorchServe's inference address")
    management_url: str = Field("http://127.0.0.1:8081", description="TorchServe's management address")
    metrics_url: str = Field("http://127.0.0.1:8082", description="TorchServe's metrics address")
    key_file: Path = Field(Path("key_file.json"), description="where TorchServe writes its tokens")
    abandoned: Path | None = Field(
        None, description="folder where the gateway tells the model workers whose senders left; without it they finish"
    )
    log_file: Path | None = Field(None, description="the gateway's log, kept below 80 MB; without it, the console")
    queue: PositiveInt = Field(64, description="photos that wait for their turn; more are told to come back")
    stop_s: PositiveFloat = Field(25.0, description="seconds for the photos in flight once the server is told to stop")
    answer_s: PositiveFloat = Field(130.0, description="longest wait for a cut; above TorchServe's responseTimeout")

    @classmethod
    def from_environment(cls) -> Settings:
        """The settings of this process.

        Raises:
            ValueError: a variable has a wrong value; the message names it in one line.
        """
        try:
            return cls()
        except ValidationError as error:
            first = error.errors()[0]
            name = f"OBJECTCUT_{str(first['loc'][0]).upper()}"
            raise ValueError(f"{name}={first['input']}: {first['msg']}") from None

    @field_validator("fetch_allow", "origins", mode="before")
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
