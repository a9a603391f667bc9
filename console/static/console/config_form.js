// The provider form: models with their prices, what was used so far, and the test of what is typed.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
    const place = document.getElementById("provider-form");
    if (!place) {
        return;
    }
    const form = document.getElementById("aiproviderconfig_form");
    form.dataset.once = "";
    const field = (name) => form.querySelector(`[name="${name}"]`);
    const providerType = () => field("provider_type")?.value || place.dataset.providerType || "";
    let models = new Map();

    function count(tokens) {
        return tokens >= 1e6 ? `${+(tokens / 1e6).toFixed(1)}M` : `${Math.round(tokens / 1000)}k`;
    }

    function describe(model) {
        const facts = [];
        if (model.input_mtok !== null && model.input_mtok !== undefined) {
            facts.push(`$${model.input_mtok} in, $${model.output_mtok} out per million tokens`);
        } else {
            facts.push("price not known");
        }
        facts.push(model.vision ? "sees images" : "text only");
        if (!model.structured_output) {
            facts.push("no structured output");
        }
        if (model.is_retired) {
            facts.unshift("no longer in the vendor's list");
        }
        if (model.context_window) {
            facts.push(`${count(model.context_window)} context`);
        }
        return facts.join(" · ");
    }

    function fillList() {
        const options = [...models.values()].map((model) => {
            const option = document.createElement("option");
            option.value = model.name;
            option.label = describe(model);
            return option;
        });
        document.getElementById("known-models").replaceChildren(...options);
    }

    function hint(input) {
        let line = document.getElementById(`${input.id}_facts`);
        if (!line) {
            line = document.createElement("div");
            line.id = `${input.id}_facts`;
            line.className = "models";
            line.setAttribute("aria-live", "polite");
            input.insertAdjacentElement("afterend", line);
        }
        const name = input.value.trim().replace(/^models\//, "");
        const model = models.get(name);
        if (model) {
            line.textContent = describe(model);
        } else {
            line.textContent = name ? "Aditus does not know this model: its price and abilities are open." : "";
        }
    }

    const modelInputs = ["model_name", "quality_model_name"].map(field).filter(Boolean);

    async function loadModels() {
        const type = providerType();
        models = new Map();
        if (type) {
            const address = `${place.dataset.catalogueUrl}?provider_type=${encodeURIComponent(type)}`;
            const response = await fetch(address, { headers: { Accept: "application/json" } });
            const listed = response.ok ? (await response.json()).models : [];
            if (type !== providerType()) {
                return; // chosen anew meanwhile: its own list is on its way
            }
            models = new Map(listed.map((model) => [model.name, model]));
        }
        fillList();
        modelInputs.forEach(hint);
    }

    async function loadUse() {
        const bars = document.getElementById("use-so-far");
        if (!bars || !place.dataset.useUrl) {
            return;
        }
        const response = await fetch(place.dataset.useUrl, { headers: { Accept: "application/json" } });
        if (!response.ok) {
            bars.textContent = "The counters cannot be read right now. Reload the page.";
            return;
        }
        const rows = (await response.json()).windows.map((window) => {
            const row = document.createElement("div");
            const said = document.createElement("span");
            const inUsd = window.unit === "usd";
            // USD come as text; a meter and four places need no more than a number.
            const taken = Number(window.used) + Number(window.reserved);
            const most = window.limit === null ? null : Number(window.limit);
            const shown = (amount) =>
                inUsd ? `$${amount.toLocaleString("en", { maximumFractionDigits: 4 })}` : amount.toLocaleString("en");
            const when = window.window === "day" ? "Today" : "This month";
            const limit = most === null ? "no limit" : `of ${shown(most)}`;
            said.textContent = `${when}: ${shown(taken)}${inUsd ? "" : " tokens"}, ${limit}`;
            row.append(said);
            if (most !== null) {
                const meter = document.createElement("meter");
                meter.max = most || 1;
                meter.high = meter.max * 0.8;
                meter.optimum = 0;
                meter.value = taken;
                meter.setAttribute("aria-label", said.textContent);
                row.append(meter);
            }
            return row;
        });
        bars.replaceChildren(...rows);
    }

    function showResult(answer) {
        const result = document.getElementById("test-result");
        result.className = answer.tone;
        const time = answer.latency_ms ? ` (${answer.latency_ms} ms)` : "";
        result.textContent = `${answer.message}${time}`;
        if (!answer.models?.length) {
            return;
        }
        const found = document.createElement("div");
        found.className = "model-list";
        found.append(`${answer.models.length} models:`);
        for (const name of answer.models) {
            const chip = document.createElement("span");
            chip.className = "chip plain";
            chip.textContent = name;
            found.append(chip);
            if (!models.has(name)) {
                const option = document.createElement("option");
                option.value = name;
                document.getElementById("known-models").append(option);
            }
        }
        result.append(found);
    }

    async function test(button) {
        const label = button.textContent;
        button.disabled = true;
        button.textContent = button.dataset.busy;
        const body = new FormData();
        for (const name of ["api_key", "held_key", "base_url", "model_name"]) {
            body.append(name, field(name)?.value || "");
        }
        body.append("provider_type", providerType());
        body.append("csrfmiddlewaretoken", field("csrfmiddlewaretoken").value);
        try {
            const response = await fetch(place.dataset.checkUrl, {
                method: "POST",
                body,
                headers: { Accept: "application/json" },
            });
            const answer = await response.json();
            showResult(answer.error ? { tone: "warning", message: answer.error.message } : answer);
        } catch {
            showResult({ tone: "warning", message: "Aditus did not answer. Check your connection and try again." });
        } finally {
            button.disabled = false;
            button.textContent = label;
        }
    }

    modelInputs.forEach((input) => input.addEventListener("input", () => hint(input)));
    field("provider_type")?.addEventListener("change", loadModels);
    const button = document.getElementById("test-credentials");
    button?.addEventListener("click", () => test(button));
    loadModels();
    loadUse();
});
