// Decides one item after the other, by keys, buttons or touch; the browser keeps the answers.
//
// An answer is {choice} (a class or label) or {mark} (what no class says), and perhaps {second}, a
// second animal.  Each is an entry of its own in localStorage, under the folder of the pages, so
// that neither a reload nor another tab loses one; the export has those of all pages.
"use strict";
{
  const { dialog, make, plain } = page;
  const list = document.getElementById("decide");
  const facts = JSON.parse(list.dataset.facts);
  const items = [...list.children];
  const prefix = `${facts.kind} ${location.pathname.replace(/[^/]*$/, "")} `;
  const said = document.getElementById("said");
  const bar = document.getElementById("bar");
  const tools = document.getElementById("tools");
  const answers = new Map();
  const before = [];  // [key, answer] of each change, for undo
  let current = null;

  // --- what is kept
  function load() {
    answers.clear();
    try {
      for (const [name, text] of Object.entries({ ...localStorage }))
        if (name.startsWith(prefix)) answers.set(name.slice(prefix.length), JSON.parse(text));
    } catch (error) {
      warn(error);
    }
  }
  function keep(key, answer) {
    if (answer) answers.set(key, answer);
    else answers.delete(key);
    try {
      if (answer) localStorage.setItem(prefix + key, JSON.stringify(answer));
      else localStorage.removeItem(prefix + key);
    } catch (error) {
      warn(error);
    }
  }
  function warn(error) {
    const warning = document.getElementById("warning");
    warning.textContent = `This browser keeps no answers (${error.name}): export before you leave the page.`;
    warning.hidden = false;
  }
  const isDone = (answer) => Boolean(answer?.choice || answer?.mark);

  // --- classes: [name, labels that want it]; new ones are those that were typed before
  function choices(item) {
    const own = facts.choices[item.dataset.group] ?? [];
    if (!facts.open) return own;
    const known = new Set(own.map(([name]) => name));
    const typed = [...answers.values()].map((answer) => answer.choice).filter(Boolean);
    return [...own, ...[...new Set(typed)].filter((name) => !known.has(name)).map((name) => [name, name])];
  }
  const wanting = (item, label) =>
    label ? choices(item).filter(([, labels]) => labels.split(",").includes(label)) : [];
  function removes(item, name) {
    return !facts.open && !choices(item).find(([other]) => other === name)?.[1];
  }

  // --- what is shown
  function words(item, answer) {
    const parts = [];
    if (answer?.mark) parts.push(facts.marks.find(({ name }) => name === answer.mark).said);
    if (answer?.choice) parts.push(facts.open ? answer.choice : `it is ${answer.choice}`);
    if (answer?.choice && removes(item, answer.choice)) parts.push("no label wants it: removed");
    if (answer?.second) parts.push(`second animal: ${answer.second}`);
    return parts.join("; ");
  }
  function show(item) {
    const answer = answers.get(item.dataset.key);
    item.querySelector(".said").textContent = words(item, answer);
    item.classList.toggle("done", isDone(answer));
  }
  function count() {
    const done = items.filter((item) => isDone(answers.get(item.dataset.key))).length;
    const all = [...answers.values()].filter(isDone).length;
    document.querySelector("#progress meter").value = items.length ? done / items.length : 0;
    document.getElementById("done").textContent = `${done} of ${items.length} decided`;
    document.getElementById("export").textContent = `Export ${all} as CSV`;
    return items.length - done;
  }
  function refresh() {
    load();
    items.forEach(show);
    count();
    filter();
  }

  // --- where one is
  const visible = () => items.filter((item) => !item.hidden);
  function go(item, scroll = true) {
    if (!item) return;
    current?.removeAttribute("aria-current");
    current?.setAttribute("tabindex", -1);
    current = item;
    item.setAttribute("aria-current", "true");
    item.setAttribute("tabindex", 0);
    if (scroll) {
      item.focus({ preventScroll: true });
      item.scrollIntoView({ block: "start" });
    }
    fillBar();
  }
  function step(by) {
    const there = visible();
    go(there[there.indexOf(current) + by]);
  }
  function goOn() {
    const start = items.indexOf(current) + 1;
    const order = [...items.slice(start), ...items.slice(0, start)];
    const next = order.find((item) => !item.hidden && !isDone(answers.get(item.dataset.key)));
    go(next ?? current);
    if (!next) said.textContent += ". All that are shown are decided: export them.";
  }

  // --- deciding
  function change(what) {
    if (!current) return;
    const key = current.dataset.key;
    const answer = answers.get(key);
    before.push([key, answer]);
    const { place } = current.dataset;
    const now = { choice: "", mark: "", second: "", place, ...answer, ...what };
    keep(key, isDone(now) || now.second ? now : undefined);
    show(current);
    const left = count();
    said.textContent = `${words(current, answers.get(key))}. ${left} left on this page`;
    filter(current);
    if ("second" in what) current.focus();
    else goOn();
    fillBar();
  }
  function choose(name) {
    const right = facts.marks.find((mark) => mark.own);
    if (right && name === current.dataset.own) change({ choice: "", mark: right.name });
    else change({ choice: name, mark: "" });
  }
  function undo() {
    const last = before.pop();
    if (!last) {
      said.textContent = "nothing to undo";
      return;
    }
    keep(...last);
    const item = items.find(({ dataset }) => dataset.key === last[0]);
    show(item);
    count();
    item.hidden = false;
    go(item);
    said.textContent = "undone";
  }
  function accept() {
    const found = wanting(current, current.dataset.predicted);
    if (found.length === 1) choose(found[0][0]);
    else if (found.length) pick("What is it?", choose, found);
  }

  // --- the list of all classes
  function pick(heading, use, among = choices(current)) {
    const input = make("input", { type: "search", placeholder: "type to find" });
    const found = make("div", { className: "keys options" });
    const take = (name) => {
      input.closest("dialog").close();
      use(name);
    };
    const button = ([name, labels]) => {
      const note = facts.open ? "" : labels ? labels : "no label: removes the picture";
      const option = make("button", { type: "button" }, name, make("small", {}, note));
      option.addEventListener("click", () => take(name));
      return option;
    };
    const draw = () => {
      const wanted = plain(input.value.trim());
      const fitting = among.filter(([name]) => plain(name).includes(wanted));
      const exact = among.some(([name]) => plain(name) === wanted);
      // what is called just so comes first
      fitting.sort(([a], [b]) => (plain(b) === wanted) - (plain(a) === wanted));
      if (facts.open && wanted && !exact) fitting.push([input.value.trim(), ""]);
      found.replaceChildren(...fitting.slice(0, 200).map(button));
    };
    input.setAttribute("aria-label", heading);
    input.addEventListener("input", draw);
    input.addEventListener("keydown", (event) => {
      const first = found.querySelector("button");
      if (event.key === "Enter") first?.click();
      else if (event.key === "ArrowDown") first?.focus();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    draw();
    showPicker(make("h2", {}, heading), input, found);
    input.focus();
  }
  const showPicker = dialog("pick");

  // --- what can be done with the current item, as buttons and as keys
  function actions() {
    const item = current;
    if (!item) return [];
    const marks = facts.marks.map(({ key, name, said: text }) =>
      [key, text, () => change({ choice: "", mark: name })]);
    const predicted = item.dataset.predicted;
    const found = wanting(item, predicted);
    const asPredicted = found.length
      ? [["p", `${found.length === 1 ? found[0][0] : predicted}, as predicted`, accept]] : [];
    const named = choices(item).slice(0, 9).map(([name], i) => [`${i + 1}`, name, () => choose(name)]);
    const second = answers.get(item.dataset.key)?.second;
    const note = (name) => change({ second: name });
    const more = facts.second
      ? [["+", second ? "no second animal" : "second animal …",
        () => (second ? note("") : pick("Which second animal?", note))]] : [];
    return [
      ...marks, ...asPredicted, ...named,
      ["/", "another …", () => pick("What is it?", choose)], ...more, ["z", "undo", undo],
    ];
  }
  function fillBar() {
    bar.replaceChildren(...actions().map(([key, text, act]) => {
      const button = make("button", { type: "button" }, make("kbd", {}, key), ` ${text}`);
      button.setAttribute("aria-keyshortcuts", key);
      button.addEventListener("click", act);
      return button;
    }));
  }

  document.addEventListener("keydown", (event) => {
    const undoes = event.key === "z" && (event.ctrlKey || event.metaKey);
    if ((event.ctrlKey || event.metaKey || event.altKey) && !undoes) return;
    const { target } = event;
    if (target.matches("input, select, textarea") || target.closest("dialog")) return;
    if (event.key === "Enter" && target.matches("a, button, summary, img")) return;
    // arrows move among a group's pictures, once one of them has the focus
    const moves = !target.closest(".keys") || !event.key.startsWith("Arrow");
    const act = {
      ArrowDown: () => step(1), ArrowUp: () => step(-1), j: () => step(1), k: () => step(-1),
      v: () => current?.querySelector("figure img")?.click(),
      f: () => tools.querySelector("select").focus(),
      e: () => document.getElementById("export").click(),
    }[event.key] ?? actions().find(([key]) => key === event.key)?.[2];
    if (!act || !moves) return;
    event.preventDefault();
    act();
  });
  list.addEventListener("focusin", (event) => {
    const item = event.target.closest("article");
    if (item && item !== current) go(item, false);
  });
  list.addEventListener("click", (event) => {
    const item = event.target.closest("article");
    if (item && item !== current) go(item, false);
  });

  // --- filters
  const done = (item) => (isDone(answers.get(item.dataset.key)) ? "decided" : "to decide");
  const filters = [
    ["label", (item) => item.dataset.label],
    ["location", (item) => item.dataset.place],
    ["state", done],
  ].map(([name, of]) => {
    const counts = new Map(name === "state" ? [["to decide", 0], ["decided", 0]] : []);
    if (name !== "state") for (const item of items) counts.set(of(item), (counts.get(of(item)) ?? 0) + 1);
    const select = make("select", {}, make("option", { value: "" }, `every ${name}`));
    for (const value of [...counts.keys()].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }))) {
      const number = name === "state" ? "" : ` (${counts.get(value)})`;
      select.append(make("option", { value: `=${value}` }, `${value || "none"}${number}`));
    }
    select.setAttribute("aria-label", name);
    select.addEventListener("change", () => {
      filter();
      if (!current || current.hidden) go(visible()[0], false);
    });
    if (counts.size > 1) document.getElementById("export").before(select);
    return (item) => !select.value || select.value === `=${of(item)}`;
  });
  function filter(spared = null) {
    for (const item of items) item.hidden = item !== spared && !filters.every((fits) => fits(item));
  }

  // --- the CSV
  const cell = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const rows = {
    review([key, { choice, mark, second }]) {
      const cut = key.lastIndexOf("/");
      const mislabeled = choice ? "true" : mark ? `${!facts.marks.find(({ name }) => name === mark).own}` : "";
      return [key.slice(cut + 1), key.slice(0, cut).replaceAll("/", "\\"), mislabeled, choice, second];
    },
    label: ([key, { choice, mark, place }]) => [key, choice, mark, place],
  };
  document.getElementById("export").addEventListener("click", () => {
    load();
    const kept = [...answers].sort(([a], [b]) => (a < b ? -1 : 1)).map(rows[facts.kind]);
    const text = [facts.columns, ...kept].map((row) => `${row.map(cell).join(",")}\n`).join("");
    const address = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    make("a", { href: address, download: facts.file }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60000);
    said.textContent = `${kept.length} in ${facts.file}`;
  });

  addEventListener("storage", refresh);
  refresh();
  const first = items.find((item) => !isDone(answers.get(item.dataset.key))) ?? items[0];
  go(first, first !== items[0]);
}
