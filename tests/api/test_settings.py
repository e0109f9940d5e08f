"""Settings: their sources, and one clear message for an invalid value."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest

from pulumi_joviam.api.errors import ConfigError
from pulumi_joviam.api.settings import ENDPOINT, Settings

STACK = "the stack config joviam:token"
ENVIRONMENT = "the environment variable JOVIAM_TOKEN"
NO_TOKEN = (
    "no Joviam token: set it with `pulumi config set --secret joviam:token`, "
    "or in the environment variable JOVIAM_TOKEN"
)


def load(stack: Mapping[str, object], environ: Mapping[str, str] | None = None) -> Settings:
    config = {key if ":" in key else f"joviam:{key}": value for key, value in stack.items()}
    return Settings.load(config.get, environ or {})


def refusal(stack: Mapping[str, object], environ: Mapping[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load({"token": "t", **stack}, environ)
    return str(caught.value)


@pytest.mark.parametrize(
    ("stack", "environ", "expected"),
    [
        ({"token": "s"}, {}, Settings("s", token_source=STACK)),
        ({}, {"JOVIAM_TOKEN": "e"}, Settings("e", token_source=ENVIRONMENT)),
        ({"token": "s", "joviam-provider:tokenSource": "p"}, {}, Settings("s", token_source="p")),
        ({"token": "s"}, {"JOVIAM_TOKEN": "e"}, Settings("s", token_source=STACK)),
        ({"token": ""}, {"JOVIAM_TOKEN": "e"}, Settings("e", token_source=ENVIRONMENT)),
        ({"token": " \n"}, {"JOVIAM_TOKEN": "e"}, Settings("e", token_source=ENVIRONMENT)),
        (
            {"token": "s", "endpoint": "https://stack"},
            {"JOVIAM_ENDPOINT": "https://environment"},
            Settings("s", "https://stack", token_source=STACK),
        ),
        (
            {"token": "s"},
            {"JOVIAM_ENDPOINT": "https://environment"},
            Settings("s", "https://environment", token_source=STACK),
        ),
        ({"token": "s"}, {"JOVIAM_ENDPOINT": ""}, Settings("s", ENDPOINT, token_source=STACK)),
        ({"token": "s", "region": "SY3"}, {}, Settings("s", region="SY3", token_source=STACK)),
        ({"token": "s", "maxConcurrency": "4"}, {}, Settings("s", max_concurrency=4, token_source=STACK)),
    ],
)
def test_precedence(stack: Mapping[str, str], environ: Mapping[str, str], expected: Settings) -> None:
    """Stack config wins over the environment, which wins over the default."""
    assert load(stack, environ) == expected


def test_the_environment_has_no_region() -> None:
    """No environment variable sets the region or maxConcurrency."""
    settings = load({"token": "s"}, {"JOVIAM_REGION": "SY3", "JOVIAM_MAX_CONCURRENCY": "1"})
    assert (settings.region, settings.max_concurrency) == (None, 32)


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """By default the variables are those of the process at the time of the call."""
    monkeypatch.setenv("JOVIAM_TOKEN", "from-the-process")
    assert Settings.load(lambda _key: None).token == "from-the-process"


@pytest.mark.parametrize("stack", [{}, {"token": ""}, {"token": None}, {"token": "\n"}])
def test_no_token(stack: Mapping[str, object]) -> None:
    """The error says how to set one."""
    with pytest.raises(ConfigError) as caught:
        load(stack)
    assert str(caught.value) == NO_TOKEN


def test_a_command_without_a_stack() -> None:
    """It reads the environment only, and its messages mention only variables."""
    environ = {"JOVIAM_TOKEN": "e", "JOVIAM_ENDPOINT": "https://environment"}
    assert Settings.load(None, environ) == Settings("e", "https://environment", token_source=ENVIRONMENT)
    for wrong, expected in (
        ({"JOVIAM_TOKEN": " "}, "no Joviam token: set the environment variable JOVIAM_TOKEN"),
        ({"JOVIAM_ENDPOINT": "ftp://x"}, "JOVIAM_ENDPOINT must be a plain http(s) address"),
        ({"JOVIAM_ENDPOINT": "http://x"}, "JOVIAM_ENDPOINT is http://x: refusing to send the token"),
    ):
        with pytest.raises(ConfigError) as caught:
            Settings.load(None, environ | wrong)
        assert str(caught.value).startswith(expected)
    assert Settings.load(None, {"JOVIAM_TOKEN": "e"}).endpoint_name == "JOVIAM_ENDPOINT"


def test_the_name_of_the_endpoint() -> None:
    """Messages name the setting that the endpoint comes from."""
    environ = {"JOVIAM_ENDPOINT": "https://environment"}
    stack = {"endpoint": "https://stack"}
    assert [load({"token": "s", **config}, environ).endpoint_name for config in ({}, stack)] == [
        "JOVIAM_ENDPOINT",
        "joviam:endpoint",
    ]
    assert refusal({}, {"JOVIAM_ENDPOINT": "ftp://x"}).startswith("JOVIAM_ENDPOINT must be")


@pytest.mark.parametrize("pasted", ["s3cret\n", "s3cret\r\n", " s3cret", "\ts3cret \n"])
def test_whitespace_around_a_token_is_removed(pasted: str) -> None:
    """Copying often adds line breaks or spaces."""
    assert load({"token": pasted}).token == "s3cret"
    assert load({}, {"JOVIAM_TOKEN": pasted}).token == "s3cret"
    assert Settings(pasted).token == "s3cret"


@pytest.mark.parametrize("token", ["two words", "Bearer s3cret", "two\nlines", "s3crét", "nul\0", "bell\a"])
def test_an_invalid_token(token: str) -> None:
    """The error for a token that no header can carry names its source, and never shows the token."""
    assert refusal({"token": token}) == f"{STACK} contains characters that no Joviam token has (line breaks, spaces, …)"
    assert refusal({"token": ""}, {"JOVIAM_TOKEN": token}).startswith(ENVIRONMENT)


@pytest.mark.parametrize(
    "endpoint",
    [
        "cloud.joviam.com",
        "//cloud.joviam.com",
        "ftp://cloud.joviam.com",
        "https:///api",
        "https://host:port",
        "https://host:99999",
        "https://host:0",
        "https://[::1",
        "https://host/api?x=1",
        "https://host/api?",
        "https://host/api#x",
        "https://host/a b",
        "https://host/a\nb",
        "https://hôst",
        "https:\\\\host",
    ],
)
def test_an_invalid_endpoint(endpoint: str) -> None:
    """An endpoint that paths cannot be appended to is rejected before any request."""
    assert refusal({"endpoint": endpoint}) == (
        f"joviam:endpoint must be a plain http(s) address such as https://cloud.joviam.com/api/v1, not {endpoint!r}"
    )


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://cloud.joviam.com/api/v1",
        "HTTP://cloud.joviam.com",
        "http://192.168.1.2:8765/api/v1",
        "http://emulator:8765",
        "http://localhost.example.com",
        "http://notlocalhost",
        "http://127.0.0.1.example.com",
        "http://[2001:db8::1]",
    ],
)
def test_plain_http_to_another_machine(endpoint: str) -> None:
    """The token is sent over plain http to this machine only, and the message says so."""
    assert refusal({"endpoint": endpoint}) == (
        f"joviam:endpoint is {endpoint}: refusing to send the token over plain http; "
        "use https (http is allowed for localhost only)"
    )
    with pytest.raises(ConfigError, match="over plain http"):
        Settings("t", endpoint)


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST.", "api.localhost", "127.0.0.1", "127.9.9.9", "[::1]", "0.0.0.0"],  # noqa: S104 - where to
)
def test_plain_http_to_this_machine(host: str) -> None:
    """An emulator on this machine needs no TLS."""
    assert load({"token": "t", "endpoint": f"http://{host}:8765"}).endpoint == f"http://{host}:8765"


@pytest.mark.parametrize("endpoint", ["https://user:hunter2@host/api", "https://:hunter2@host", "http://hunter2@host"])
def test_a_password_in_an_endpoint(endpoint: str) -> None:
    """A password in the endpoint is rejected, and not shown."""
    text = refusal({"endpoint": endpoint})
    assert text.endswith("not one with a user name or password in it")
    assert "hunter2" not in text


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("https://host/api/v1/", "https://host/api/v1"),
        ("https://host//", "https://host"),
        (" https://host/api\n", "https://host/api"),
        ("http://127.0.0.1:8080/api/v1", "http://127.0.0.1:8080/api/v1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_endpoint_is_normalized(given: str, expected: str) -> None:
    """Trailing slashes and surrounding whitespace are removed."""
    assert load({"token": "t", "endpoint": given}).endpoint == expected
    assert Settings("t", given).endpoint == expected


@pytest.mark.parametrize("width", ["0", "-1", "+1", "x", "1.5", "1e3", "1_0", "1001", "9" * 5000])
def test_an_invalid_max_concurrency(width: str) -> None:
    """maxConcurrency must be a whole number from 1 to 1000."""
    assert refusal({"maxConcurrency": width}) == (
        f"joviam:maxConcurrency must be a whole number from 1 to 1000, not {width[:20]!r}"
    )


def test_an_invalid_max_concurrency_in_a_script() -> None:
    """The same limits apply to Settings in a script."""
    with pytest.raises(ConfigError, match="not '0'"):
        Settings("t", max_concurrency=0)


@pytest.mark.parametrize(
    ("stack", "expected"),
    [
        ({"maxConcurrency": ""}, (None, 32)),
        ({"maxConcurrency": " 7\n"}, (None, 7)),
        ({"maxConcurrency": 7}, (None, 7)),
        ({"region": ""}, (None, 32)),
        ({"region": "SY3\n"}, ("SY3", 32)),
    ],
)
def test_whitespace_around_settings_is_removed(stack: Mapping[str, object], expected: tuple[str | None, int]) -> None:
    """A setting of whitespace only counts as not set."""
    settings = load({"token": "t", **stack})
    assert (settings.region, settings.max_concurrency) == expected


def test_the_token_is_not_shown() -> None:
    """Neither repr nor str of the settings shows the token."""
    settings = Settings("s3cret")
    assert "s3cret" not in repr(settings)
    assert "s3cret" not in f"{settings}"


def test_equal_settings_have_equal_hashes() -> None:
    """Equal settings share a connection; settings with another token do not."""
    settings = Settings("s3cret")
    assert {settings: 1} == {Settings("s3cret\n"): 1}
    assert settings != dataclasses.replace(settings, token="another")
