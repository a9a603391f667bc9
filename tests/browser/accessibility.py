"""What axe finds on a page, and whether it fits the window."""

from axe_playwright_python.sync_playwright import Axe

GRAVE = ("serious", "critical")
THEMES = ("light", "dark")
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
    "resultTypes": ["violations"],
}
# Of these the colours are a part; all else is the same in light and dark.
COLOUR_RULES = {
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
    "resultTypes": ["violations"],
}
_SWITCH = """theme => {
    localStorage.setItem("adminTheme", JSON.stringify(theme));
    window.Alpine?.$data(document.documentElement).switchTheme?.(theme);
}"""
_SHOWN = "matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'"
# Colours that are still fading are nobody's to read.
_STILL = """theme => (!window.Alpine || document.documentElement.matches(".dark") === (theme === "dark"))
    && document.getAnimations().every(({ effect }) => effect.getComputedTiming().endTime === Infinity)"""
_UNFOLD = """() => document.querySelectorAll("details:not([open])").forEach((folded) => {
    folded.dataset.unfolded = folded.open = true;
})"""
_FOLD = """() => document.querySelectorAll("details[data-unfolded]").forEach((unfolded) => {
    delete unfolded.dataset.unfolded;
    unfolded.open = false;
})"""


def grave_findings(page, rules=RULES):
    """Serious and critical findings, each as (rule, selector, why)."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(Axe().axe_script)
    violations = page.evaluate("rules => axe.run(document, rules)", rules)["violations"]
    return [
        (violation["id"], " ".join(map(str, node["target"])), node["failureSummary"].split("\n")[-1].strip())
        for violation in violations
        if violation["impact"] in GRAVE
        for node in violation["nodes"]
    ]


def overhang(page):
    """By how many pixels the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def switch_to(page, theme):
    """As the switch in the console's menu does, and as the system's setting does for what has no switch."""
    page.emulate_media(color_scheme=theme)
    page.evaluate(_SWITCH, theme)
    page.wait_for_function(_STILL, arg=theme)


def wrong_with(page):
    """What is wrong with the page that is open, in light and in dark, each a sentence.

    It begins with the theme that the page has, and leaves it in the other: the next one opens in that.
    """
    page.evaluate(_UNFOLD)
    opened = page.evaluate(_SHOWN)
    page.wait_for_function(_STILL, arg=opened)
    wrong = _findings(page, opened, RULES)
    other = next(theme for theme in THEMES if theme != opened)
    switch_to(page, other)
    wrong += _findings(page, other, COLOUR_RULES)
    if overhang(page) > 0:
        wrong.append(f"{page.url} is {overhang(page)} px wider than its window")
    page.evaluate(_FOLD)
    return wrong


def _findings(page, theme, rules):
    return [
        f"{page.url} in {theme}: {rule} at {where}: {why}" for rule, where, why in grave_findings(page, rules)
    ]
