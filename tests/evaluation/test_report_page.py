"""The report in a browser: it fits any window, everyone can read it, and it prints."""

import shutil
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browsers import needs_browser, opened
from tests.evaluation.test_report import PLAN, render, results

pytestmark = needs_browser


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with as many experiments as the paper has."""
    folder = tmp_path_factory.mktemp("report")
    results(folder)
    many = {"depth": PLAN.ablations["depth"]}
    many |= {f"experiment_{n}": PLAN.ablations["depth"].model_copy(update={"experiment": None}) for n in range(7)}
    for name in many:
        shutil.copy(folder / "figures" / "final.svg", folder / "figures" / f"{name}.svg")
    (folder / "report.html").write_text(render(folder, PLAN.model_copy(update={"ablations": many})))
    return folder / "report.html"


@pytest.mark.parametrize("width", [360, 400, 800, 1200, 1400, 2560])
def test_nothing_is_wider_than_the_window_and_the_console_is_silent(page_file, width):
    said = []
    with opened("about:blank", viewport={"width": width, "height": 900}) as page:
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(f"file://{page_file}")
        inner, scroll = page.evaluate("[window.innerWidth, document.documentElement.scrollWidth]")
        assert scroll <= inner == width
        for table in page.locator("table").all():  # a wide table scrolls inside its own box
            first = table.locator("td").first
            if first.count():
                box = table.locator("xpath=..")
                box.evaluate("box => box.scrollLeft = 1e6")
                assert first.bounding_box()["x"] >= box.bounding_box()["x"] - 1
    assert not said


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_accessibility_checker_finds_nothing(page_file, scheme):
    with opened(f"file://{page_file}", color_scheme=scheme, viewport={"width": 1400, "height": 900}) as page:
        found = Axe().run(page).response["violations"]
    assert not [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found]


def test_a_point_says_its_value_and_a_click_on_a_claim_leads_to_its_experiment(page_file):
    with opened(f"file://{page_file}", viewport={"width": 1400, "height": 900}) as page:
        assert page.locator("#depth svg circle title").last.text_content() == "4: 1.1100 (step 40)"
        page.locator("a.row").first.click()
        assert page.url.endswith("#depth")
        assert 0 <= page.locator("#depth").bounding_box()["y"] < 900
        assert page.locator("nav").bounding_box()["y"] == 0  # the contents stay in view


def test_it_prints(page_file):
    with opened(f"file://{page_file}") as page:
        page.emulate_media(media="print")
        assert not page.locator("nav").is_visible() and page.locator("#depth svg").is_visible()
        assert page.pdf(format="A4").startswith(b"%PDF")
