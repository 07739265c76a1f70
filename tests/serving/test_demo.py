"""The page to try a model: stars in, predictions that follow them; by Streamlit's own tester, and in a browser."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import expect
from streamlit.testing.v1 import AppTest

from deeprec.runtime.files import ROOT
from deeprec.runtime.ports import listen
from tests.browsers import SECONDS, needs_browser, opened

PAGE = str(ROOT / "scripts" / "demo_model.py")
pytestmark = pytest.mark.filterwarnings("default")  # Streamlit's own


@pytest.fixture
def page(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setattr(sys, "argv", ["demo_model.py", str(dataset / "runs" / "deeprec" / "seed_0")])
    return AppTest.from_file(PAGE, default_timeout=SECONDS).run()


def test_predictions_follow_the_stars(page, loaded):
    assert not page.exception and "40 users" in page.caption[0].value
    assert "Search a title" in page.info[0].value and not page.table
    model = loaded["deeprec"]
    items = model.catalogue.items.known[[1, 3]]
    page.multiselect[0].set_value([1, 3]).run()
    for stars in ((5, 1), (1, 5)):
        for slider, value in zip(page.slider, stars, strict=True):
            slider.set_value(value)
        page.run()
        expected = model.add_user({"item_id": items, "rating": stars})
        best = expected.recommend(10)
        assert page.table[0].value["Title"].tolist() == best["title"].tolist()
        assert page.table[0].value["Predicted rating"].tolist() == [f"{value:.2f}" for value in best["prediction"]]
        page.selectbox[0].set_value(7).run()
        [prediction] = expected.predict(model.catalogue.items.known[[7]])["prediction"]
        assert page.metric[0].value == f"{prediction:.2f}"


def test_what_is_no_model_is_told_on_the_page(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["demo_model.py", str(tmp_path / "none")])
    page = AppTest.from_file(PAGE, default_timeout=SECONDS).run()
    assert not page.exception and "no checkpoint.pt" in page.error[0].value


@pytest.fixture
def address(dataset: Path) -> Iterator[str]:
    with listen(0) as probe:
        port = probe.getsockname()[1]
    options = [f"--server.port={port}", "--server.headless=true", "--", dataset / "runs" / "deeprec" / "seed_0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", PAGE, *options],
        cwd=ROOT,  # whose .streamlit/ holds the settings
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(SECONDS)


@needs_browser
def test_a_person_gets_recommendations_in_a_browser(address, loaded):
    adapter = requests.adapters.HTTPAdapter(max_retries=requests.adapters.Retry(20, backoff_factor=0.1))
    with requests.Session() as session:
        session.mount("http://", adapter)
        session.get(f"{address}/_stcore/health", timeout=SECONDS)
    asked: list[str] = []
    with opened("about:blank") as page:
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        expect.set_options(timeout=1000 * SECONDS)
        search = page.get_by_role("combobox").first
        search.press_sequentially("film 1")
        search.press("Enter")
        search.press("Escape")
        expect(page.get_by_role("slider")).to_be_visible()
        table = page.get_by_role("table")
        expect(table.get_by_role("row")).to_have_count(11)
        before = table.inner_text()
        page.get_by_role("slider").press("End")
        expect(table).not_to_have_text(before)
    assert asked and all(url.startswith((address, "data:", "blob:")) for url in asked)  # nothing leaves the machine
