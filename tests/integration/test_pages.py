import json
import re

import pytest
from tests.serving import PASSWORD, SECRET, client_of, register, serving, settings_for

from rubi.domain.risk.codes import DenialCode
from rubi.embedded.places import SOURCE_ROOT
from rubi.flows.set_up_service import setup_code
from rubi.settings import PROJECT_ROOT
from rubi.web import FOLDER, page

CODE = setup_code(SECRET)
FIRST = {"email": "first@example.com", "username": "first", "password": PASSWORD}


@pytest.fixture
async def app(dsn, redis_url):
    async with serving(settings_for(dsn, redis_url)) as app:
        yield app


@pytest.fixture
async def client(app):
    async with client_of(app) as client:
        yield client


async def test_the_page_runs_nothing_but_its_own_files(client):
    answer = await client.get("/")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy
    links = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
    assert links
    for link in links:
        assert link.startswith(f"/assets/{page().digest}/")
        assert (await client.get(link)).status_code == 200


async def test_files_are_kept_for_good_under_their_digest_and_asked_for_under_another(client):
    path = f"/assets/{page().digest}/js/main.js"
    first = await client.get(path)
    assert first.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert first.headers["content-type"].startswith("text/javascript")
    again = await client.get(path, headers={"If-None-Match": f'W/{first.headers["etag"]}, "other"'})
    assert (again.status_code, again.content) == (304, b"")
    older = await client.get("/assets/0123456789abcdef/js/main.js")
    assert (older.content, older.headers["cache-control"]) == (first.content, "no-cache")


async def test_the_document_is_asked_for_each_time_and_answered_short_when_known(client):
    first = await client.get("/")
    assert first.headers["cache-control"] == "no-cache"
    assert (await client.get("/", headers={"If-None-Match": first.headers["etag"]})).status_code == 304


async def test_large_files_come_compressed_to_who_can_read_that(client):
    path = f"/assets/{page().digest}/js/i18n/fr.js"
    small = await client.get(path, headers={"Accept-Encoding": "gzip"})
    plain = await client.get(path, headers={"Accept-Encoding": "identity"})
    assert small.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert small.content == plain.content
    assert int(small.headers["content-length"]) < int(plain.headers["content-length"]) / 2


@pytest.mark.parametrize(
    "name", ["%2e%2e/pages.py", "..%2f..%2fsettings.py", "__init__.py", "nothing.js", "js", "index.html"]
)
async def test_what_is_no_file_of_the_page_is_not_found(client, name):
    assert (await client.get(f"/assets/{page().digest}/{name}")).status_code == 404


async def test_the_connector_and_its_preset_are_downloads_without_a_token(client):
    connector = await client.get("/downloads/RubiStudioConnector.mq5")
    assert connector.content == (PROJECT_ROOT / "mql5" / "RubiStudioConnector.mq5").read_bytes()
    assert connector.headers["content-disposition"] == 'attachment; filename="RubiStudioConnector.mq5"'
    preset = await client.get("/downloads/RubiStudioConnector.set")
    assert re.search(r"^APIToken=\r?$", preset.text, re.MULTILINE)
    assert re.search(r"^BackendURL=", preset.text, re.MULTILINE)


async def test_the_first_visit_needs_the_code_and_makes_an_administrator(client):
    assert (await client.get("/api/v1/setup")).json() == {"needed": True, "registration": True}
    wrong = await client.post("/api/v1/setup", json=FIRST | {"code": "AAAA-BBBB-CCCC"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "SETUP_CODE_WRONG")
    assert CODE not in wrong.text
    made = await client.post("/api/v1/setup", json=FIRST | {"code": f" {CODE.lower().replace('-', ' ')}"})
    assert made.status_code == 201, made.text
    assert made.json()["user"]["role"] == "admin"
    me = await client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {made.json()['access_token']}"})
    assert me.json()["username"] == "first"
    assert not (await client.get("/api/v1/setup")).json()["needed"]


async def test_the_code_opens_nothing_once_somebody_is_known(client):
    await register(client)
    said = await client.post("/api/v1/setup", json=FIRST | {"code": CODE})
    assert (said.status_code, said.json()["code"]) == (409, "SETUP_DONE")


async def test_two_first_visits_at_once_make_one_person(client):
    import asyncio

    bodies = [FIRST | {"code": CODE, "username": f"first{n}", "email": f"first{n}@example.com"} for n in range(4)]
    said = await asyncio.gather(*(client.post("/api/v1/setup", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in said) == [201, 409, 409, 409]


async def test_guessing_the_code_is_stopped(client):
    body = FIRST | {"code": "AAAA-BBBB-CCCC"}
    statuses = [(await client.post("/api/v1/setup", json=body)).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]


def test_another_secret_is_another_code():
    assert re.fullmatch(r"[A-Z2-7]{4}-[A-Z2-7]{4}-[A-Z2-7]{4}", CODE)
    assert setup_code(SECRET + "x") != CODE


def test_french_and_english_say_the_same_things():
    def words(name):
        text = (FOLDER / "js" / "i18n" / f"{name}.js").read_text()
        return dict(re.findall(r"'([^'\n]+)': '((?:[^'\\]|\\.)*)'", text))

    english, french = words("en"), words("fr")
    assert set(english) == set(french)
    for key, text in english.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", french[key])), key
    used = {
        key
        for path in (FOLDER / "js").rglob("*.js")
        for key in re.findall(r"\bt\('([a-zA-Z0-9_.]+)'", path.read_text())
    }
    assert used - set(english) == set()


def test_every_denial_is_told_in_french_and_nothing_that_is_never_said():
    told = re.findall(r"^  ([A-Z_]+): '", (FOLDER / "js" / "i18n" / "refusals_fr.js").read_text(), re.MULTILINE)
    assert len(told) == len(set(told))
    assert {*DenialCode, "EXPIRED", "NO_ACCOUNT", "NOTHING_TO_CLOSE"} - set(told) == set()
    said = "".join(path.read_text() for path in (SOURCE_ROOT / "rubi").rglob("*.py"))
    assert [code for code in told if f'"{code}"' not in said] == []


def test_the_page_s_own_scripts_write_text_never_markup():
    for path in (FOLDER / "js").rglob("*.js"):
        text = path.read_text()
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
            assert word not in text, (path.name, word)
        assert len(text.splitlines()) < 400, path.name


def test_every_vendored_library_has_its_licence():
    for folder in (FOLDER / "vendor").iterdir():
        if folder.is_dir():
            assert (folder / "LICENSE").read_text().strip(), folder.name
            assert folder.name in (FOLDER / "vendor" / "NOTICE.txt").read_text()
    assert json.dumps(sorted(page().assets)).count("LICENSE") >= 3
