from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.settings import Settings, load

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_defaults_are_the_servers_own() -> None:
    settings = load()
    assert (settings.max_running, settings.max_queued) == (3, 10)
    assert settings.api_base_url is None


def test_an_env_file_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PIPELINE_API_BASE_URL=https://api.example.com/mj/\nOTHER=1\n")
    assert load().api_base_url == "https://api.example.com"


def test_a_secret_may_be_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.settings.SECRETS", tmp_path)
    (tmp_path / "pipeline_api_key").write_text("sk-1\n")
    assert load().api_key.get_secret_value() == "sk-1"
    monkeypatch.setenv("PIPELINE_API_KEY", "")
    assert load().api_key.get_secret_value() == "sk-1"
    monkeypatch.setenv("PIPELINE_API_KEY", "sk-2")
    assert load().api_key.get_secret_value() == "sk-2"


def test_a_slip_in_a_name_is_told_and_names_of_others_are_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPELINE_STAGE", "build")
    load()
    monkeypatch.setenv("PIPELINE_MAX_RUNING", "5")
    with pytest.raises(UsageError, match="PIPELINE_MAX_RUNING is no setting: did you mean PIPELINE_MAX_RUNNING"):
        load()


@pytest.mark.parametrize("url", ["postgresql://u:p@h/d", "postgres://u:p@h/d", "postgresql+psycopg2://u:p@h/d"])
def test_any_spelling_of_a_postgres_url_gets_the_driver_we_ship(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPELINE_DATABASE_URL", url)
    database_url = load().database_url
    assert database_url is not None
    assert database_url.get_secret_value() == "postgresql+psycopg://u:p@h/d"


def test_a_new_key_is_the_same_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPELINE_API_BASE_URL", "https://api.example.com")
    before = load(api_key="old").account_name
    assert load(api_key="new").account_name == before == "api.example.com"
    assert load(account="second").account_name == "second"


@pytest.mark.parametrize(
    "spelling", ["https://API.Example.com", "https://api.example.com:443/", "https://api.example.com/mj"]
)
def test_every_spelling_of_a_server_is_one_account(spelling: str) -> None:
    assert load(api_base_url=spelling).account_name == "api.example.com"
    assert load(api_base_url="http://api.example.com:8080").account_name == "api.example.com:8080"


def test_a_key_is_taken_without_the_line_break_that_came_with_it() -> None:
    assert load(api_key="sk-1\n").api_key.get_secret_value() == "sk-1"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PIPELINE_API_BASE_URL", "api.example.com"),
        ("PIPELINE_API_BASE_URL", "https://user:s3cret@api.example.com"),
        ("PIPELINE_DATABASE_URL", "mysql://u:s3cret@h/d"),
        ("PIPELINE_DATABASE_URL", "postgresql://u:s3cret‼℅@h/d"),
        ("PIPELINE_MAX_RUNNING", "s3cret"),
        ("PIPELINE_MAX_RUNNING", "40000"),
        ("PIPELINE_API_KEY", "s3cret\ns3cret"),
        ("PIPELINE_API_KEY", "s3crét"),
        ("PIPELINE_API_DIALECT", "s3cret"),
        ("PIPELINE_OUTPUT_DIR", "s3://key:s3cret@bucket/pictures"),
        ("PIPELINE_OUTPUT_DIR", "s3:/bucket/pictures"),
        ("PIPELINE_OUTPUT_DIR", "s3://"),
        ("PIPELINE_OUTPUT_DIR", "simplecache::s3://bucket/pictures"),
    ],
)
def test_what_is_wrong_is_named_and_never_shown(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=name) as wrong:
        load()
    assert "s3cret" not in str(wrong.value)


@pytest.mark.parametrize("sign", ["@", "/", "#", "?", "[", "@/", "12/", "1?"])
def test_a_password_whose_signs_are_not_escaped_is_refused_and_never_shown(sign: str) -> None:
    with pytest.raises(UsageError) as wrong:
        load(database_url=f"postgresql://u:{sign}s3cret@h/d")
    fault = "cannot be read: in a password, @ / # and ? are written %40 %2F %23 and %3F"
    assert str(wrong.value) == f"PIPELINE_DATABASE_URL: {fault}"


@pytest.mark.parametrize(
    "url",
    ["postgresql://u:%40%2F%23%3F:s3cret@h:1/d?a=b", "postgresql://h/d", "postgresql://u@/d?host=/run/postgresql"],
)
def test_a_password_whose_signs_are_escaped_is_read_and_hidden(url: str) -> None:
    settings = load(database_url=url)
    assert "s3cret" not in url or "@/#?:s3cret" in settings.secrets()
    assert settings.database_url


@pytest.mark.parametrize("place", ["pictures", "/srv/pictures", "./a:b", "s3://bucket/spring", "file:///srv/pictures"])
def test_pictures_go_to_a_folder_or_to_an_address(place: str) -> None:
    assert load(output_dir=place).output_dir == place
    assert load(output_dir=f"{place}/").output_dir.rstrip("/") == place


def test_every_setting_is_in_the_readme() -> None:
    text = README.read_text()
    assert [name for name in Settings.model_fields if f"`PIPELINE_{name.upper()}`" not in text] == []
