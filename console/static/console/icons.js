"use strict";

// unfold draws icons by a font: the name of each is text that a screen reader would read out. What has nothing
// but an icon in it is given a word for it.
(() => {
    const WORDS = { search: "Search", close: "Close", more_vert: "More", more_horiz: "More", add: "Add", delete: "Delete", arrow_back: "Back" };

    function name(holder, icon) {
        const hasName = holder.getAttribute("aria-label") || holder.getAttribute("aria-labelledby") || holder.title;
        const others = [...holder.childNodes].filter((node) => !(node instanceof Element && node.matches(".material-symbols-outlined")));
        if (!hasName && !others.some((node) => node.textContent.trim())) {
            const drawn = icon.textContent.trim();
            holder.setAttribute("aria-label", WORDS[drawn] || drawn.replaceAll("_", " "));
        }
    }

    function hideIconNames() {
        for (const icon of document.querySelectorAll(".material-symbols-outlined:not([aria-hidden])")) {
            const holder = icon.closest("a, button, [role=button]");
            if (holder) name(holder, icon);
            icon.setAttribute("aria-hidden", "true");
        }
    }

    document.addEventListener("DOMContentLoaded", () => {
        hideIconNames();
        // htmx and Alpine put in more later.
        new MutationObserver(hideIconNames).observe(document.body, { childList: true, subtree: true });
    });
})();
