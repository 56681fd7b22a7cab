/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The daemon's page.  It asks for what changes every two seconds and shows it;
 * text goes into the document as text, never as markup. */

const POLL = 2000; // milliseconds
const POLL_HIDDEN = 15000;
const SLOWLY = 5; // every so many polls: all the rest
const DONE = 10000; // how long it says what was done
const RUNS_SHOWN = 10;
const REJECTS_SHOWN = 200;

const byId = (id) => document.getElementById(id);

/* ---- The document ------------------------------------------------------ */

function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
        if (name === "onclick") {
            element.addEventListener("click", value);
        } else if (value !== null && value !== undefined && value !== false) {
            element.setAttribute(name, value === true ? "" : value);
        }
    }
    element.append(...children.filter((child) => child !== null));
    return element;
}

function button(label, action, attributes) {
    return make("button", {type: "button", onclick: action, ...attributes},
        label);
}

/* Makes the children of an element those of a list, and leaves alone what is
 * as it was: who is about to press a button must not lose it. */
function fill(parent, items, key, render) {
    const old = new Map();
    for (const child of parent.children) {
        old.set(child.dataset.key, child);
    }
    const wanted = items.map((item) => {
        const name = String(key(item));
        const state = JSON.stringify(item);
        const before = old.get(name);
        if (before && before.csState === state) {
            return before;
        }
        const element = render(item);
        element.dataset.key = name;
        element.csState = state;
        if (before && before.contains(document.activeElement)) {
            element.csFocus = document.activeElement.dataset.action;
        }
        return element;
    });
    wanted.forEach((element, i) => {
        if (parent.children[i] !== element) {
            parent.insertBefore(element, parent.children[i] || null);
        }
    });
    while (parent.children.length > wanted.length) {
        parent.lastElementChild.remove();
    }
    for (const element of wanted) {
        if (element.csFocus) {
            element.querySelector(`[data-action="${element.csFocus}"]`)
                ?.focus();
            delete element.csFocus;
        }
    }
}

function say(text) { // to who listens instead of looking
    byId("live").textContent = text;
}

function notice(text) {
    const place = byId("notice");
    place.hidden = !text;
    if (place.textContent !== text) {
        place.textContent = text;
    }
}

function done(text) {
    const place = byId("done");
    clearTimeout(place.csTimer);
    place.hidden = !text;
    place.textContent = text;
    place.csTimer = setTimeout(() => { place.hidden = true; }, DONE);
}

/* ---- Words ------------------------------------------------------------- */

const moment = new Intl.DateTimeFormat(undefined,
    {dateStyle: "medium", timeStyle: "short"});
const numbers = new Intl.NumberFormat();

function time(text, none) {
    return text
        ? make("time", {datetime: text, title: text},
            moment.format(new Date(text)))
        : make("span", {class: "soft"}, none || "never");
}

const count = (n, one, many) => `${numbers.format(n)} ${n === 1 ? one : many}`;

const results = { // of a run or a school: words, and how they look
    "ok": ["Success", "good"],
    "partial": ["Partly done", "warn"],
    "held": ["Held", "warn"],
    "busy": ["Was busy", "warn"],
    "transient": ["Failed, may heal by itself", "bad"],
    "needs-a-person": ["Needs a person", "bad"],
    "secret": ["A secret or login failed", "bad"],
    "configuration": ["Configuration", "bad"],
    "Success": ["Success", "good"],
    "Partial": ["Partly done", "warn"],
    "InProgress": ["Running", "plain"],
    "Interrupted": ["Interrupted, or run by another process", "warn"],
    "Failed": ["Failed", "bad"],
};

function chip(status) {
    const [text, look] = results[status] || ["Failed", "bad"];
    return make("span", {class: `chip ${look}`}, text);
}

const causes = {schedule: "schedule", api: "API", page: "this page"};

const plural = (entity) => `${entity.toLowerCase()}s`;

function changes(sync) {
    const parts = [];
    const add = (n, word) => {
        if (n > 0) {
            parts.push(`${numbers.format(n)} ${word}`);
        }
    };
    add(sync.inserted, "new");
    add(sync.changed, "changed");
    add(sync.deleted, "deleted");
    add(sync.failed, "set aside");
    return `${numbers.format(sync.read)} read, ` +
        (parts.length > 0 ? parts.join(", ") : "nothing changed");
}

/* ---- Talking to the daemon --------------------------------------------- */

let csrf = null;
let active = true; // the person did something since the last request

for (const event of ["pointerdown", "keydown", "wheel", "touchstart"]) {
    addEventListener(event, () => { active = true; }, {passive: true});
}

class SignedOut extends Error {}

async function ask(path, method, body) {
    const headers = {};
    if (!active) {
        headers["X-Idle"] = "yes";
    }
    active = false;
    if (csrf && method) {
        headers["X-CSRF-Token"] = csrf;
    }
    if (body) {
        headers["Content-Type"] = "application/json";
    }
    let reply;
    try {
        reply = await fetch(path, {
            method: method || "GET",
            headers,
            body: body ? JSON.stringify(body) : undefined,
            credentials: "same-origin",
            cache: "no-store",
            redirect: "error",
        });
    } catch {
        throw new Error("The daemon does not answer.");
    }
    const answer = await reply.json().catch(() => ({}));
    if (reply.ok) {
        return answer;
    }
    const text = answer.error || `the answer is ${reply.status}`;
    if (reply.status === 401 && path !== "/sign-in") {
        throw new SignedOut(text);
    }
    throw new Error(`${text[0].toUpperCase()}${text.slice(1)}.`);
}

/* ---- Doing something --------------------------------------------------- */

let answer = null; // what the question that is open is answered with

/* The close event comes later than the click, maybe when the next question is
 * open already: it answers only for who has closed the dialog by a key. */
function settle(yes) {
    const resolve = answer;
    answer = null;
    byId("confirm").close();
    resolve?.(yes);
}

/* Shows what is about to happen; the promise says whether it shall. */
function confirmed(title, text, yes) {
    const dialog = byId("confirm");
    byId("confirm-title").textContent = title;
    byId("confirm-text").textContent = text;
    byId("confirm-yes").textContent = yes;
    dialog.showModal();
    byId("confirm-no").focus();
    return new Promise((resolve) => { answer = resolve; });
}

byId("confirm-yes").addEventListener("click", () => settle(true));
byId("confirm-no").addEventListener("click", () => settle(false));
byId("confirm").addEventListener("close", () => {
    if (!byId("confirm").open) {
        settle(false);
    }
});

async function act(path, success) {
    done("");
    try {
        await ask(path, "POST");
        done(success);
        await refresh(true);
    } catch (error) {
        fail(error);
    }
}

function sync(name, query) {
    return act(`/api/sync${query}`, `The sync of ${name} has begun.`);
}

async function requireFull(school) {
    if (await confirmed(`Full sync of ${school.name}?`,
        "The next sync of this school reads everything from Clever. " +
        "People who are no longer listed there are deactivated or deleted, " +
        "as it is configured, within the limits of the guards.",
        "Require a full sync")) {
        await act(`/api/schools/${school.school_id}/require-full`,
            `The next sync of ${school.name} is a full one.`);
    }
}

const would = (hold) => (hold.kind === "delete" ? "leave" : "change");

async function approve(hold) {
    if (await confirmed(`Let these ${numbers.format(hold.held)} go through?`,
        `${hold.name}: ${numbers.format(hold.held)} of ` +
        `${numbers.format(hold.total)} ${plural(hold.entity)} ${would(hold)} ` +
        "with the next sync, once, if it is still so then; it is a full one.",
        "Approve")) {
        await act(`/api/holds/${hold.hold}/approve`,
            `Hold ${hold.hold} is approved.`);
    }
}

async function reject(hold) {
    if (await confirmed("Close this hold?",
        `${hold.name}: the ${plural(hold.entity)} stay as they are. The next ` +
        "full sync holds them again if it is still so.", "Reject")) {
        await act(`/api/holds/${hold.hold}/reject`,
            `Hold ${hold.hold} is closed.`);
    }
}

/* ---- What is shown ----------------------------------------------------- */

function showFacts(schedule, schools) {
    const fact = (name, ...value) =>
        make("div", {}, make("dt", {}, name), make("dd", {}, ...value));
    const active = schools.filter((school) => school.active).length;
    fill(byId("facts"), [
        ["Next run", schedule.next],
        ["Schools", active],
        ["Held", schools.reduce((n, school) => n + school.holds, 0)],
        ["Set aside", schools.reduce((n, school) => n + school.rejects, 0)],
    ], ([name]) => name, ([name, value]) =>
        fact(name, name === "Next run"
            ? time(value, "none is scheduled")
            : numbers.format(value)));
}

const parts = {waiting: "waiting", running: "syncing", done: "done"};

function schoolLine(school, names) {
    const name = names.get(school.id) || school.id;
    const state = school.state === "done"
        ? chip(school.status)
        : make("span", {class: "soft"},
            school.part ? `${plural(school.part)}, ` : "",
            school.records > 0
                ? `${count(school.records, "record", "records")} read`
                : parts[school.state]);
    return make("li", {}, `${name}: `, state,
        school.message
            ? make("span", {class: "what"}, school.message) : null);
}

function runCard(run, names) {
    const shown = run.schools.filter((school) => school.state !== "waiting");
    return make("article", {class: "card"},
        make("div", {class: "head"},
            make("h3", {}, `${run.full ? "Full sync" : "Sync"} of ` +
                scope(run, names)),
            make("span", {class: "soft"}, `begun by ${causes[run.cause]}, `,
                time(run.begun))),
        make("progress", { // it moves by itself until a school is done
            max: Math.max(run.schools_total, 1),
            value: run.schools_done > 0 ? run.schools_done : null,
            "aria-label": "Schools that are done",
        }),
        make("p", {class: "none"}, run.schools_total > 0
            ? `${run.schools_done} of ` +
              `${count(run.schools_total, "school", "schools")} done`
            : "beginning"),
        make("ul", {class: "syncs"},
            ...shown.map((school) => schoolLine(school, names))));
}

function scope(run, names) {
    const id = run.school || run.district;
    return id ? names.get(id) || id : "all schools";
}

function showRuns(runs, running, names) {
    fill(byId("running"), running, (run) => run.id,
        (run) => runCard(run, names));
    byId("running-none").hidden = running.length > 0;
    const ended = runs.filter((run) => run.state === "ended")
        .slice(0, RUNS_SHOWN);
    fill(byId("runs"), ended, (run) => run.id, (run) => make("tr", {},
        make("td", {"data-label": "Begun"}, time(run.begun)),
        make("td", {"data-label": "By"}, causes[run.cause]),
        make("td", {"data-label": "Scope"},
            `${scope(run, names)}${run.full ? ", full" : ""}`),
        make("td", {"data-label": "Schools"},
            `${run.schools_done} of ${run.schools_total}`),
        make("td", {"data-label": "Result"}, chip(run.status),
            run.message ? make("span", {class: "what"}, run.message) : null)));
    byId("runs").closest("table").hidden = ended.length === 0;
    byId("runs-none").hidden = ended.length > 0;
}

async function showKeys(hold, place, toggle) {
    if (!place.hidden) {
        place.hidden = true;
        toggle.setAttribute("aria-expanded", "false");
        return;
    }
    try {
        const answer = await ask(`/api/holds/${hold.hold}`);
        place.replaceChildren(
            ...answer.keys.map((key) => make("li", {}, key)));
        place.hidden = false;
        toggle.setAttribute("aria-expanded", "true");
    } catch (error) {
        fail(error);
    }
}

function holdCard(hold) {
    const keys = make("ul", {class: "keys", hidden: true,
        "aria-label": "Clever ids"});
    const toggle = button("Show their ids",
        () => showKeys(hold, keys, toggle),
        {class: "quiet", "aria-expanded": "false", "data-action": "keys"});
    return make("article", {class: "card"},
        make("div", {class: "head"},
            make("h3", {}, hold.name),
            make("span", {class: `chip ${hold.approved ? "good" : "warn"}`},
                hold.approved ? "Approved" : "Held")),
        make("p", {}, `${numbers.format(hold.held)} of ` +
            `${count(hold.total, hold.entity.toLowerCase(),
                plural(hold.entity))} would ${would(hold)}, which is more ` +
            "than the guard allows. Nothing of it was done."),
        make("p", {class: "soft"}, "Since ", time(hold.since), ", expires ",
            time(hold.expires), ", hold ", make("code", {}, hold.hold),
            hold.approved ? `, approved by ${hold.approved_by}` : ""),
        make("div", {class: "actions"},
            hold.approved ? null : button("Approve…", () => approve(hold),
                {class: "main", "data-action": "approve"}),
            button("Reject…", () => reject(hold), {"data-action": "reject"}),
            toggle),
        keys);
}

function showAttention(holds, rejects, total) {
    fill(byId("holds"), holds, (hold) => hold.hold, holdCard);
    fill(byId("rejects"), rejects.slice(0, REJECTS_SHOWN),
        (one) => `${one.school_id}/${one.entity}/${one.clever_id}`,
        (one) => make("tr", {},
            make("td", {"data-label": "School"}, one.name),
            make("td", {"data-label": "Kind"}, one.entity || ""),
            make("td", {"data-label": "Clever id"},
                one.clever_id ? make("code", {}, one.clever_id)
                    : make("span", {class: "soft"}, "none")),
            make("td", {"data-label": "Reason"}, one.reason || ""),
            make("td", {"data-label": "First seen"}, time(one.first_seen))));
    byId("rejects-summary").textContent =
        `${count(total, "record is", "records are")} set aside` +
        (total > REJECTS_SHOWN ? `, the first ${REJECTS_SHOWN} of them:` : "");
    byId("rejects-box").hidden = total === 0;
    byId("attention").hidden = holds.length === 0 && total === 0;
}

/* A process that was killed says no more, nor does one elsewhere. */
const state = (school, sync) =>
    (sync.status === "InProgress" && !school.running
        ? "Interrupted" : sync.status);

function lastSyncs(school) {
    if (school.entities.length === 0) {
        return make("span", {class: "soft"}, "never");
    }
    const syncs = [...school.entities]
        .sort((a, b) => a.entity.localeCompare(b.entity));
    return make("ul", {class: "syncs"}, ...syncs.map((sync) =>
        make("li", {}, chip(state(school, sync)), " ",
            `${sync.entity}s, ${(sync.type || "").toLowerCase()}, `,
            time(sync.start),
            make("span", {class: "what"}, sync.status === "InProgress"
                ? "not at its end" : changes(sync)),
            sync.message
                ? make("span", {class: "what"}, sync.message) : null)));
}

function marks(school) {
    const all = [];
    const mark = (look, text) =>
        all.push(make("span", {class: `chip ${look}`}, text), " ");
    if (!school.active) {
        mark("plain", "Not active");
    }
    if (school.running) {
        mark("plain", "Running");
    }
    if (school.requires_full) {
        mark("plain", "Full sync is due");
    }
    if (school.holds > 0) {
        mark("warn", count(school.holds, "hold", "holds"));
    }
    if (school.rejects > 0) {
        mark("warn", `${numbers.format(school.rejects)} set aside`);
    }
    return all;
}

function schoolRow(school) {
    const id = school.school_id;
    return make("tr", {"data-school": id},
        make("th", {scope: "row"}, school.name,
            make("span", {class: "what"}, school.prefix)),
        make("td", {"data-label": "Last sync"}, lastSyncs(school)),
        make("td", {"data-label": "State"}, ...marks(school)),
        make("td", {}, make("div", {class: "actions"},
            button("Sync", () => sync(school.name, `?schoolId=${id}`), {
                "data-action": "sync",
                "aria-label": `Sync ${school.name}`,
                disabled: !school.active || school.running !== null,
            }),
            button("Require full…", () => requireFull(school), {
                "data-action": "full",
                class: "quiet",
                "aria-label": `Require a full sync of ${school.name}`,
                disabled: !school.active || school.requires_full,
            }))));
}

function districtCard(district) {
    const id = district.district_id;
    return make("section", {class: "card district",
        "aria-labelledby": `district-${id}`},
    make("div", {class: "head"},
        make("h3", {id: `district-${id}`}, district.name),
        button("Sync district", () => sync(district.name, `?districtId=${id}`),
            {"data-action": "sync-district",
                "aria-label": `Sync district ${district.name}`})),
    make("table", {class: "schools"},
        make("caption", {class: "hidden"}, `Schools of ${district.name}`),
        make("thead", {}, make("tr", {},
            make("th", {scope: "col"}, "School"),
            make("th", {scope: "col"}, "Last sync"),
            make("th", {scope: "col"}, "State"),
            make("td", {}))),
        make("tbody", {id: `schools-${id}`})));
}

function showSchools(districts, schools) {
    fill(byId("districts"), districts, (district) => district.district_id,
        districtCard);
    for (const district of districts) {
        fill(byId(`schools-${district.district_id}`),
            schools.filter(
                (school) => school.district_id === district.district_id),
            (school) => school.school_id, schoolRow);
    }
    byId("districts-none").hidden = districts.length > 0;
}

/* ---- Keeping up -------------------------------------------------------- */

let names = new Map(); // of districts and schools, by Clever's id
let wasRunning = new Set();
let turn = 0;
let timer = null;
let latest = Promise.resolve(); // the refresh that was begun last

function announce(runs) {
    const running = new Set(runs.filter((run) => run.state === "running")
        .map((run) => run.id));
    const ended = runs.filter(
        (run) => wasRunning.has(run.id) && run.state === "ended");
    for (const run of ended) {
        const [text] = results[run.status] || ["Failed"];
        say(`The sync of ${scope(run, names)} has ended: ${text}.`);
    }
    const changed = ended.length > 0 ||
        [...running].some((id) => !wasRunning.has(id));
    wasRunning = running;
    return changed;
}

async function refreshRuns() {
    const {runs} = await ask("/api/runs");
    const running = await Promise.all(
        runs.filter((run) => run.state === "running")
            .map((run) => ask(`/api/runs/${run.id}`)));
    const changed = announce(runs);
    showRuns(runs, running.filter((run) => run.state === "running"), names);
    return changed;
}

async function refreshRest() {
    const [registry, holds, rejects, schedule] = await Promise.all([
        ask("/api/schools"), ask("/api/holds"), ask("/api/rejects"),
        ask("/api/schedule"),
    ]);
    names = new Map([
        ...registry.districts.map((one) => [one.district_id, one.name]),
        ...registry.schools.map((one) => [one.school_id, one.name]),
    ]);
    showFacts(schedule, registry.schools);
    showAttention(holds.holds, rejects.rejects, rejects.total);
    showSchools(registry.districts, registry.schools);
}

async function refreshOnce(all) {
    const first = names.size === 0;
    if (first) {
        await refreshRest();
    }
    if (await refreshRuns() || all) {
        turn = 0; /* and soon once more, when all of it is stored */
    }
    if (!first && (turn < 2 || turn % SLOWLY === 0)) {
        await refreshRest();
    }
    turn++;
    notice("");
}

/* One after the other, so that no older answer is shown after a newer one. */
function refresh(all) {
    latest = latest.catch(() => {}).then(() => refreshOnce(all));
    return latest;
}

async function keepUp() {
    clearTimeout(timer);
    try {
        await refresh(false);
    } catch (error) {
        if (fail(error)) {
            return;
        }
    }
    clearTimeout(timer); // another one may have come to this point meanwhile
    timer = setTimeout(keepUp, document.hidden ? POLL_HIDDEN : POLL);
}

document.addEventListener("visibilitychange", () => {
    if (!document.hidden && csrf) {
        keepUp();
    }
});

/* ---- Signing in and out ------------------------------------------------ */

/* True: nobody is signed in any more. */
function fail(error) {
    if (!(error instanceof SignedOut)) {
        notice(error.message);
        return false;
    }
    show(null);
    byId("sign-in-error").textContent = "You are no longer signed in.";
    return true;
}

function show(token) {
    csrf = token;
    clearTimeout(timer);
    byId("inside").hidden = !csrf;
    byId("sign-out").hidden = !csrf;
    byId("sign-in").hidden = Boolean(csrf);
    byId("sign-in-error").textContent = "";
    notice("");
    done("");
    if (csrf) {
        turn = 0;
        keepUp();
    } else {
        byId("password").focus();
    }
}

byId("sign-in-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const field = byId("password");
    const submit = event.submitter || event.target.querySelector("button");
    submit.disabled = true;
    byId("sign-in-error").textContent = "";
    try {
        const answer = await ask("/sign-in", "POST", {password: field.value});
        field.value = "";
        show(answer.csrf);
        byId("main").focus();
    } catch (error) {
        byId("sign-in-error").textContent = error.message;
        field.select();
        field.focus();
    }
    submit.disabled = false;
});

byId("sign-out").addEventListener("click", async () => {
    try {
        await ask("/sign-out", "POST");
        show(null);
    } catch (error) {
        fail(error);
    }
});

byId("sync-all").addEventListener("click", () => sync("all schools", ""));

try {
    const state = await ask("/sign-in");
    show(state.signed_in ? state.csrf : null);
} catch (error) {
    notice(error.message);
    byId("sign-in").hidden = false;
}
