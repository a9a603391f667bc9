// Every page of the console: messages that say "done" clear after five seconds, what went wrong stays; a form
// marked data-once is sent once, however often its button is clicked; and a keyboard reaches every switch.
"use strict";

const CLEAR_AFTER_MS = 5000;

function stays(message) {
    return message.querySelector(".errornote, .bg-orange-100") !== null;
}

function clearLater(message) {
    let timer = null;
    const start = () => { timer = window.setTimeout(() => message.remove(), CLEAR_AFTER_MS); };
    // Whoever is reading, by pointer or keyboard, is given the time.
    const stop = () => window.clearTimeout(timer);
    message.tabIndex = -1;
    message.addEventListener("mouseenter", stop);
    message.addEventListener("mouseleave", start);
    message.addEventListener("focusin", stop);
    message.addEventListener("focusout", start);
    start();
}

function dressMessages() {
    for (const message of document.querySelectorAll(".console-messages > ul > li")) {
        const staying = stays(message);
        message.firstElementChild?.setAttribute("role", staying ? "alert" : "status");
        if (!staying) {
            clearLater(message);
        }
    }
}

function sendOnce(event) {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.hasAttribute("data-once")) {
        return;
    }
    if (form.dataset.sent) {
        event.preventDefault();
        return;
    }
    form.dataset.sent = "yes";
    const button = event.submitter;
    if (button) {
        button.setAttribute("aria-disabled", "true");
        if (button.dataset.busy) {
            button.textContent = button.dataset.busy;
        }
    }
}

// A page that the browser kept and shows again on "back" may be sent again.
function allowAgain(event) {
    if (event.persisted) {
        document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
        window.location.reload();
    }
}

// unfold's switches (theme, filters) are links without an address, which Tab passes by.
function makeReachable() {
    for (const link of document.querySelectorAll("a:not([href])[x-on\\:click]")) {
        link.setAttribute("role", "button");
        link.tabIndex = 0;
        if (link.matches("[x-data*='openTheme'] > a")) {
            link.setAttribute("aria-label", "Theme");
        }
        link.addEventListener("keydown", (event) => {
            if (event.key === "Enter" || event.key === " ") {
                event.preventDefault();
                link.click();
            }
        });
    }
}

// Django names the magnifying glass of its pickers, but a bare span may not have a name; and its select2 fields
// have none as long as they are empty.
function namePickers() {
    document.querySelectorAll(".search-label-icon[aria-label]").forEach((icon) => icon.setAttribute("role", "img"));
    for (const shown of document.querySelectorAll(".select2-selection__rendered[id]")) {
        const label = shown.closest(".select2-container").previousElementSibling?.labels?.[0];
        if (label) {
            label.id ||= `label-of-${shown.id}`;
            shown.setAttribute("aria-labelledby", label.id);
            shown.parentElement.setAttribute("aria-labelledby", `${label.id} ${shown.id}`);
        }
    }
}

document.addEventListener("DOMContentLoaded", dressMessages);
document.addEventListener("DOMContentLoaded", makeReachable);
document.addEventListener("submit", sendOnce);
window.addEventListener("pageshow", allowAgain);
// Some pickers are built on "load" too, by a script after this one.
window.addEventListener("load", () => window.setTimeout(namePickers));
