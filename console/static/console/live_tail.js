"use strict";

// The newest rows of the list that is open, under its own filters: asks for the page anew, puts in what is not
// there yet, and changes what has ended meanwhile. Nothing is asked while it is paused or nobody looks.
document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("live-tail");
    if (!button) return;
    const table = document.getElementById("result_list");
    const status = button.parentElement.querySelector("[role=status]");
    const every = Number(button.dataset.every);
    const most = Number(button.dataset.most);
    let timer;
    // Each press is a run of its own: what an earlier one has under way when it ends is not listened to.
    let run = 0;

    const rowsOf = (within) => new Map([...within.querySelectorAll("#result_list tbody")].map((row) => [row.querySelector("th a, td a")?.getAttribute("href"), row]));

    function show(fresh) {
        if (!table) return fresh.size;
        const shown = rowsOf(document);
        let added = 0;
        for (const [address, row] of [...fresh].reverse()) {
            const old = shown.get(address);
            if (old && old.textContent !== row.textContent) {
                old.replaceWith(document.importNode(row, true));
            } else if (!old) {
                table.querySelector("thead").after(document.importNode(row, true));
                added += 1;
            }
        }
        for (const row of [...table.querySelectorAll("tbody")].slice(most)) row.remove();
        return added;
    }

    async function fetched() {
        let answer;
        try {
            answer = await fetch(window.location.href, { credentials: "same-origin", redirect: "manual" });
        } catch {
            return { problem: "The server could not be reached" };
        }
        if (answer.type === "opaqueredirect") return { problem: "You are no longer logged in" };
        if (!answer.ok) return { problem: `The server answered with an error (${answer.status})` };
        try {
            return { text: await answer.text() };
        } catch {
            return { problem: "The server could not be reached" };
        }
    }

    function told(added) {
        if (added >= most) return "A whole page of new rows: there may be more of them on the next page.";
        return `${added} new ${added === 1 ? "row" : "rows"}.`;
    }

    async function look(mine) {
        if (!document.hidden) {
            const { text, problem } = await fetched();
            if (mine !== run) return;
            if (problem) {
                pause(`${problem}, so this is paused.`);
                return;
            }
            const added = show(rowsOf(new DOMParser().parseFromString(text, "text/html")));
            // The first row of an empty list needs the table as well.
            if (added && !table) window.location.reload();
            if (added) status.textContent = told(added);
        }
        timer = window.setTimeout(() => look(mine), every);
    }

    function pause(why) {
        run += 1;
        window.clearTimeout(timer);
        button.setAttribute("aria-pressed", "false");
        button.textContent = "Follow new rows";
        status.textContent = why;
    }

    button.addEventListener("click", () => {
        if (button.getAttribute("aria-pressed") === "true") {
            pause("Paused.");
            return;
        }
        button.setAttribute("aria-pressed", "true");
        button.textContent = "Pause";
        status.textContent = "Following.";
        run += 1;
        look(run);
    });
});
