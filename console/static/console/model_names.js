// Inputs for the name of a model suggest those of the provider that is chosen beside them.
"use strict";

(() => {
    const lists = new Map();

    async function listOf(catalogue, query) {
        const list = document.createElement("datalist");
        list.id = `models-of-${lists.size}`;
        const response = await fetch(`${catalogue}?${query}`, { headers: { Accept: "application/json" } });
        const { models } = response.ok ? await response.json() : { models: [] };
        list.append(...models.map(({ name }) => new Option(name, name)));
        document.body.append(list);
        return list.id;
    }

    async function suggest(input) {
        const { modelsOf, catalogue } = input.dataset;
        const beside = input.form.elements[input.name.replace(/model_name$/, modelsOf)];
        if (!beside?.value) {
            input.removeAttribute("list");
            return;
        }
        const query = new URLSearchParams({ [modelsOf]: beside.value }).toString();
        if (!lists.has(query)) {
            lists.set(query, listOf(catalogue, query));
        }
        input.setAttribute("list", await lists.get(query));
    }

    // Rows may be added to the form later.
    document.addEventListener("focusin", ({ target }) => {
        if (target.matches?.("input[data-models-of]")) {
            suggest(target);
        }
    });
})();
