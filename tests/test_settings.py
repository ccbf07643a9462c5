from __future__ import annotations

import re

import pytest
from conftest import ROOT
from pydantic import ValidationError

from objectcut.settings import Settings


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(f"OBJECTCUT_{name.upper()}", raising=False)


def test_the_promised_limits():
    settings = Settings()
    assert (settings.max_body_bytes, settings.max_pixels, settings.max_side) == (20_000_000, 25_000_000, 16_384)
    assert (settings.max_names, settings.fetch_redirects) == (100, 3)
    assert (settings.fetch_connect_s, settings.fetch_total_s) == (3, 8)
    assert settings.fetch_allow == ()


def test_the_environment_wins_over_the_file(monkeypatch):
    monkeypatch.setenv("OBJECTCUT_MAX_PIXELS", "1000")
    settings = Settings(max_pixels=2000, max_side=50)
    assert (settings.max_pixels, settings.max_side) == (1000, 50)


@pytest.mark.parametrize("given", ["127.0.0.1:8000, photos.lan:80,", ("127.0.0.1:8000", "photos.lan:80")])
def test_hosts_with_commas_between_or_as_a_list(given, monkeypatch):
    assert Settings(fetch_allow=given).fetch_allow == ("127.0.0.1:8000", "photos.lan:80")
    if isinstance(given, str):
        monkeypatch.setenv("OBJECTCUT_FETCH_ALLOW", given)
        assert Settings() == Settings(fetch_allow=given)


@pytest.mark.parametrize(
    "given", ["*", "https://photos.example.org, http://10.0.0.7:8080", "http://[::1]:8000,http://localhost"]
)
def test_origins_are_those_that_browsers_send(given):
    assert Settings(origins=given).origins == tuple(given.replace(" ", "").split(","))


@pytest.mark.parametrize(
    "wrong",
    [
        "photos.example.org",
        "https://photos.example.org/",
        "https://photos.example.org/page",
        "https://Photos.example.org",
        "https://photos.example.org:443",
        "http://photos.example.org:80",
        "https://*.example.org",
        "ftp://photos.example.org",
        "null",
    ],
)
def test_a_wrong_origin_is_told_with_an_example_of_a_right_one(wrong, monkeypatch):
    monkeypatch.setenv("OBJECTCUT_ORIGINS", f"https://example.org,{wrong}")
    told = re.escape(f"OBJECTCUT_ORIGINS={wrong}: ") + ".*https://photos.example.org or "
    with pytest.raises(ValueError, match=told):
        Settings.from_environment()


@pytest.mark.parametrize("wrong", ["proxy.internal", "10.0.0.0/99", "10.0.0.7:8000", "all"])
def test_a_wrong_proxy_is_told_before_any_connection_comes(wrong, monkeypatch):
    monkeypatch.setenv("OBJECTCUT_PROXIES", f"127.0.0.1,{wrong}")
    with pytest.raises(ValueError, match=r"^OBJECTCUT_PROXIES.*such as 10\.0\.0\.0/8"):
        Settings.from_environment()


def test_proxies_are_addresses_and_networks(monkeypatch):
    monkeypatch.setenv("OBJECTCUT_PROXIES", "10.0.0.7, 10.1.0.0/16, ::1,*")
    assert Settings.from_environment().proxies == ("10.0.0.7/32", "10.1.0.0/16", "::1/128", "*")


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_pixels", 0), ("max_names", "many"), ("fetch_total_s", -1), ("fetch_redirects", -1), ("threads", 0)],
)
def test_a_wrong_value_names_itself(name, value, monkeypatch):
    with pytest.raises(ValidationError, match=name):
        Settings(**{name: value})
    monkeypatch.setenv(f"OBJECTCUT_{name.upper()}", str(value))
    with pytest.raises(ValidationError, match=name):
        Settings()


def test_a_misspelt_setting_stops_the_start():
    with pytest.raises(ValidationError, match="max_pixel"):
        Settings(max_pixel=1)


@pytest.mark.parametrize(
    ("variable", "nearest"),
    [
        ("OBJECTCUT_MAXPIXELS", "OBJECTCUT_MAX_PIXELS"),
        ("objectcut_origin", "OBJECTCUT_ORIGINS"),
        ("OBJECTCUT_RUNDIR", "OBJECTCUT_RUN_DIR"),
        ("OBJECTCUT_QUEUE_MEGAPIXEL", "OBJECTCUT_QUEUE_MEGAPIXELS"),
    ],
)
def test_a_misspelt_variable_is_told_with_the_nearest_name(variable, nearest, monkeypatch):
    monkeypatch.setenv(variable, "5")
    with pytest.raises(ValueError, match=rf"there is no {variable}; did you mean {nearest}\?"):
        Settings.from_environment()


def test_a_variable_like_no_other_is_told_with_where_all_are_listed(monkeypatch):
    monkeypatch.setenv("OBJECTCUT_XYZZY", "5")
    with pytest.raises(ValueError, match=r"there is no OBJECTCUT_XYZZY; .*--help"):
        Settings.from_environment()


def test_every_variable_that_a_program_reads_is_known(monkeypatch):
    texts = [
        path.read_text() for folder in ("scripts", "frontend", "handler") for path in (ROOT / folder).rglob("*.py")
    ]
    complaints = []
    for variable in {name for text in texts for name in re.findall(r"OBJECTCUT_[A-Z_]+[A-Z]", text)}:
        with monkeypatch.context() as patch:
            patch.setenv(variable, "1")
            try:
                Settings.from_environment()
            except ValueError as error:  # 1 is no value for some
                complaints.append(str(error))
    assert not [complaint for complaint in complaints if "there is no" in complaint]
