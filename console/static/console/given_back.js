// What was typed before a session ended is put back into the form it was sent with; nothing is sent.
"use strict";

window.addEventListener("load", () => {
    const { action, typed } = JSON.parse(document.getElementById("given-back").textContent);
    // A form may have a field of the name "action".
    const goesThere = (form) => new URL(form.getAttribute("action") || "", window.location).href === new URL(action, window.location).href;
    const form = [...document.forms].find((one) => one.method === "post" && goesThere(one));
    if (!form) {
        return;
    }

    function addRows() {
        for (const [name, [wanted]] of Object.entries(typed).filter(([name]) => name.endsWith("-TOTAL_FORMS"))) {
            const total = form.elements[name];
            const add = document.querySelector(`#${CSS.escape(name.replace("-TOTAL_FORMS", "-group"))} .add-row`);
            for (let missing = Number(wanted) - Number(total?.value ?? wanted); add && missing > 0; missing -= 1) {
                add.click();
            }
        }
    }

    function choose(select, values) {
        for (const value of values) {
            if (![...select.options].some((option) => option.value === value)) {
                // A box to search in has only what it was opened with.
                select.add(new Option("as you chose it", value));
            }
        }
        for (const option of select.options) {
            option.selected = values.includes(option.value);
        }
    }

    function fill() {
        const taken = {};
        for (const field of form.elements) {
            const values = typed[field.name];
            if (!field.name || field.name === "csrfmiddlewaretoken" || ["password", "file", "submit", "button"].includes(field.type)) {
                continue;
            }
            if (["checkbox", "radio"].includes(field.type)) {
                field.checked = values?.includes(field.value) ?? false;
            } else if (field instanceof HTMLSelectElement && values) {
                choose(field, values);
            } else if (values) {
                taken[field.name] = (taken[field.name] ?? -1) + 1;
                field.value = values[taken[field.name]] ?? field.value;
            } else {
                continue;
            }
            field.dispatchEvent(new Event("input", { bubbles: true }));
            field.dispatchEvent(new Event("change", { bubbles: true }));
        }
    }

    addRows();
    fill();
});
