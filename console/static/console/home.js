// The home stays true while it is open: its verdict is asked for anew, and shown when it says something else.
"use strict";

const ASK_AGAIN_MS = 20000;

document.addEventListener("DOMContentLoaded", () => {
    const place = document.querySelector("[data-refresh]");
    if (!place) {
        return;
    }
    async function refresh() {
        if (document.hidden) {
            return;
        }
        const response = await fetch(place.dataset.refresh).catch(() => null);
        // A session that ended is redirected to the log-in, which is no verdict.
        if (!response?.ok || response.redirected) {
            return;
        }
        const parsed = new DOMParser().parseFromString(await response.text(), "text/html");
        const shown = place.textContent.replace(/\s+/g, " ").trim();
        if (parsed.body.textContent.replace(/\s+/g, " ").trim() !== shown) {
            place.replaceChildren(...parsed.body.childNodes);
        }
    }
    window.setInterval(refresh, ASK_AGAIN_MS);
    document.addEventListener("visibilitychange", refresh);
});
