"use strict";

// Fills each [data-panel]: fetches its JSON, draws its charts with unfold's Chart.js, and writes its table.
(() => {
    const drawn = [];

    const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const tone = (name) => style(`--tone-${name}`);

    const numbers = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
    const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

    function dollars(value) {
        const amount = Number(value);
        const digits = amount !== 0 && Math.abs(amount) < 1 ? { maximumSignificantDigits: 3 } : { minimumFractionDigits: 2, maximumFractionDigits: 2 };
        return `${amount < 0 ? "-" : ""}$${new Intl.NumberFormat("en", digits).format(Math.abs(amount))}`;
    }

    // All ticks of an axis with as many places as its largest needs.
    function tickDollars(value, ticks) {
        const largest = Math.max(...ticks.map((tick) => Math.abs(tick.value)));
        if (largest < 0.1) return dollars(value);
        const places = largest < 1000 ? 2 : 0;
        const digits = { minimumFractionDigits: places, maximumFractionDigits: places };
        return `${value < 0 ? "-" : ""}$${new Intl.NumberFormat("en", digits).format(Math.abs(value))}`;
    }

    function shown(value, kind) {
        // Only a price can be unknown; a latency without calls, or a share of no limit, does not exist.
        if (value === null) return kind === "usd" ? "unknown" : "–";
        if (kind === "text" || (typeof value === "string" && kind !== "usd")) return value;
        if (kind === "usd") return dollars(value);
        if (kind === "percent") return `${numbers.format(value)}\u00a0%`;
        if (kind === "rating") return value.toFixed(2);
        if (kind === "ms") return `${numbers.format(value)} ms`;
        if (kind === "points") return `${value > 0 ? "+" : ""}${numbers.format(value)}`;
        return numbers.format(value);
    }

    // Two shares differ by points: a percentage of a percentage would be read as one.
    function change(value, kind) {
        if (value === null) return "–";
        return `${shown(value, "points")}${kind === "percent" ? " points" : "\u00a0%"}`;
    }

    function element(name, attributes = {}, ...children) {
        const made = document.createElement(name);
        for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
        made.append(...children);
        return made;
    }

    // A price per call of no calls is not unknown either.
    function figure(panel, column, row, number) {
        const calls = panel.columns.findIndex(({ key }) => key === "calls");
        return shown(row[number], row[number] === null && row[calls] === 0 ? "count" : column.kind);
    }

    function cell(panel, column, row, number, rowNumber) {
        const isChange = row[0] === "Change" && number > 0;
        const text = isChange ? change(row[number], column.kind) : figure(panel, column, row, number);
        const content = element("span", text === "unknown" ? { class: "unknown" } : {}, text);
        const isText = column.kind === "text";
        if (number > 0) return element("td", isText ? {} : { class: "number" }, content);
        const link = panel.links[rowNumber];
        return element("th", { scope: "row" }, link ? element("a", { href: link }, text) : content);
    }

    function table(panel) {
        const head = panel.columns.map((column) =>
            element("th", { scope: "col", ...(column.kind === "text" ? {} : { class: "number" }) }, column.label || element("span", { class: "for-screen-readers" }, "What")),
        );
        const body = panel.rows.map((row, rowNumber) =>
            element("tr", {}, ...panel.columns.map((column, number) => cell(panel, column, row, number, rowNumber))),
        );
        return element(
            "div", { class: "table-scroll", role: "region", tabindex: "0", "aria-label": `Table: ${panel.title}` },
            element("table", { class: "plain-table" }, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body)),
        );
    }

    function tiles(panel) {
        const [now, , changes] = panel.rows;
        const made = panel.columns.slice(1).map((column, index) => {
            const was = changes[index + 1];
            const value = now[index + 1];
            // A tile has no room for ten digits; the table below has them.
            const isLarge = column.kind === "count" && value >= 1e7;
            const said = isLarge ? compact.format(value) : figure(panel, column, now, index + 1);
            const tile = element("div", { class: "tile" }, element("dt", {}, column.label), element("dd", {}, said));
            if (was !== null) tile.append(element("dd", { class: "change" }, `${change(was, column.kind)} on the period before`));
            return tile;
        });
        return element("dl", { class: "tiles" }, ...made);
    }

    // The range as a floating bar, and its middle as a dot.
    function intervals(panel, chart, place) {
        const [middle, low, high] = chart.columns.map(place);
        const colour = tone(chart.tones[0]);
        const ends = panel.rows.map((row) => (row[low] === null ? null : [Number(row[low]), Number(row[high])]));
        const middles = panel.rows.map((row) => (row[middle] === null ? null : Number(row[middle])));
        return [
            { type: "line", label: panel.columns[middle].label, data: middles, showLine: false, pointRadius: 6, backgroundColor: colour, borderColor: colour },
            { label: "From, to", data: ends, backgroundColor: "transparent", borderColor: colour, borderWidth: 2, borderSkipped: false, maxBarThickness: 28 },
        ];
    }

    function config(panel, chart) {
        const place = (key) => panel.columns.findIndex((column) => column.key === key);
        const isRanking = chart.shape === "ranking";
        let rows = panel.rows;
        if (isRanking) {
            rows = [...rows].sort((a, b) => Number(b[place(chart.columns[0])]) - Number(a[place(chart.columns[0])])).slice(0, 8);
        }
        const isInterval = chart.shape === "interval";
        const datasets = isInterval ? intervals(panel, chart, place) : chart.columns.map((key, index) => ({
            label: panel.columns[place(key)].label,
            data: rows.map((row) => (row[place(key)] === null ? null : Number(row[place(key)]))),
            backgroundColor: tone(chart.tones[index]),
            borderColor: tone(chart.tones[index]),
            borderWidth: chart.shape === "line" ? 2 : 0,
            pointRadius: rows.length > 40 ? 0 : 2,
            maxBarThickness: 28,
            tension: 0.25,
            tone: chart.tones[index],
        }));
        const short = (text) => (text.length > 22 ? `${text.slice(0, 21)}…` : text);
        const axis = { grid: { color: style("--chart-grid") }, ticks: { color: style("--chart-text"), maxRotation: 0, autoSkip: true, autoSkipPadding: 16 } };
        const measure = { ...axis, beginAtZero: !isInterval, ticks: { ...axis.ticks, maxTicksLimit: 6, precision: chart.kind === "count" && !isInterval ? 0 : undefined, callback: (value, index, ticks) => (chart.kind === "usd" ? tickDollars(value, ticks) : compact.format(value)) } };
        const label = { ...axis, grid: { display: false } };
        return {
            type: chart.shape === "line" ? "line" : "bar",
            data: { labels: rows.map((row) => short(String(row[0]).replace(/ [+-]\d{4}$/, ""))), datasets },
            options: {
                animation: false,
                responsive: true,
                maintainAspectRatio: false,
                indexAxis: isRanking ? "y" : "x",
                scales: isRanking
                    ? { x: { ...measure }, y: { ...label } }
                    : { x: { ...label, stacked: chart.shape === "bar" }, y: { ...measure, stacked: chart.shape === "bar" } },
                plugins: {
                    legend: { display: chart.columns.length > 1, position: "bottom", labels: { color: style("--chart-text"), boxWidth: 12 } },
                    tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${[item.raw].flat().map((value) => shown(value, chart.kind)).join(" to ")}` } },
                },
            },
        };
    }

    function draw(panel, into) {
        const charts = element("div", { class: "charts" });
        into.append(charts);
        for (const chart of panel.charts) {
            const canvas = element("canvas", { role: "img", "aria-label": `${chart.title}. The table of this panel has its figures.` });
            const box = element("div", { class: `chart-box ${chart.shape}` }, canvas);
            charts.append(element("figure", {}, element("h3", {}, chart.title), box));
            drawn.push({ panel, chart, made: new window.Chart(canvas, config(panel, chart)) });
        }
    }

    function recolour() {
        for (const { panel, chart, made } of drawn) {
            const fresh = config(panel, chart);
            made.data = fresh.data;
            made.options = fresh.options;
            made.update();
        }
    }

    // A drawing elsewhere leads to the table of its panel.
    function show(section) {
        for (const details of section.querySelectorAll("details")) details.open = true;
        section.scrollIntoView();
    }

    function fill(section, panel) {
        const body = section.querySelector(".body");
        const state = section.querySelector(".state");
        section.querySelector("h2").textContent = panel.title;
        section.querySelector(".csv .for-screen-readers").textContent = ` of ${panel.title}`;
        body.replaceChildren();
        state.textContent = panel.rows.length ? "" : panel.empty;
        if (!panel.rows.length) state.append(" ", element("a", { href: panel.leads_to.link }, panel.leads_to.title));
        if (panel.rows.length) {
            if (section.classList.contains("panel-summary")) body.append(tiles(panel));
            if (panel.charts.length) draw(panel, body);
            const isFolded = panel.charts.length > 0 || section.classList.contains("panel-summary");
            body.append(isFolded ? element("details", {}, element("summary", {}, "Table"), table(panel)) : table(panel));
            if (panel.left_out) body.append(element("p", { class: "note" }, `${numbers.format(panel.left_out)} more rows are in the CSV.`));
        }
        if (panel.note) body.append(element("p", { class: "note" }, panel.note));
        if (window.location.hash.slice(1) === section.querySelector("h2").id) show(section);
    }

    async function load(section, query) {
        const state = section.querySelector(".state");
        section.setAttribute("aria-busy", "true");
        try {
            const response = await fetch(`${section.dataset.panel}?${query}`, { headers: { Accept: "application/json" }, credentials: "same-origin" });
            const isJson = (response.headers.get("content-type") || "").includes("application/json");
            if (!response.ok || !isJson) {
                const problem = isJson ? (await response.json()).error : "";
                throw new Error(problem || "This could not be loaded. Reload the page to try again.");
            }
            fill(section, await response.json());
        } catch (error) {
            state.textContent = error instanceof TypeError ? "The server could not be reached. Reload the page to try again." : error.message;
        }
        section.setAttribute("aria-busy", "false");
    }

    window.addEventListener("hashchange", () => {
        const heading = document.getElementById(window.location.hash.slice(1));
        const section = heading && heading.closest("[data-panel]");
        if (section) show(section);
    });

    async function loadAll() {
        const page = document.querySelector(".statistics");
        if (!page) return;
        const { query } = page.dataset;
        for (const link of page.querySelectorAll("a.csv")) link.href = `${link.getAttribute("href")}?${query}`;
        const waiting = [...page.querySelectorAll("[data-panel]")];
        // Three at a time, from the top: more would only make the server's answers wait for each other.
        const worker = async () => {
            while (waiting.length) await load(waiting.shift(), query);
        };
        new MutationObserver(recolour).observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
        await Promise.all([worker(), worker(), worker()]);
    }

    document.addEventListener("DOMContentLoaded", loadAll);
})();
