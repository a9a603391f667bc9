"""How the console looks and what stands around its pages: unfold's settings."""

from typing import Any

from django.templatetags.static import static

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Aditus",
    "SITE_HEADER": "Aditus",
    "SITE_SUBHEADER": "Provider console",
    "SITE_SYMBOL": "door_open",
    "SITE_URL": None,
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("aditus/favicon.svg"),
        }
    ],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "GLOBAL_CALLBACK": "console.navigation.page_context",
    "DASHBOARD_CALLBACK": "console.usage.statistics.dashboard",
    "STYLES": [
        lambda request: static("console/console.css"),
        lambda request: static("console/lists.css"),
    ],
    "SCRIPTS": [
        lambda request: static("console/messages.js"),
        lambda request: static("console/icons.js"),
    ],
    # A blue-green that is none of the vendors' colours; 600 and 700 carry white text at 4.5:1 and more.
    "COLORS": {
        "primary": {
            "50": "#ecfeff",
            "100": "#cffafe",
            "200": "#a5f3fc",
            "300": "#67e8f9",
            "400": "#22d3ee",
            "500": "#06b6d4",
            "600": "#0e7490",
            "700": "#155e75",
            "800": "#164e63",
            "900": "#083344",
            "950": "#042f3d",
        }
    },
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "show_all_applications": False,
        "navigation": "console.navigation.sidebar",
    },
}
