// What a page does beyond lying there: find, sort, pick, enlarge, move with the arrow keys.
// Without it a page says all the same.
//
//   data-name="red fox"         found by the search at the top, as are the rows of table.find
//   data-pick="A|.x;B|.y"       a click collects what matches .x under A, what matches .y under B
//   figure img                  a click enlarges the figure; arrows go to the next one
//   class="keys"                one stop of the tab key; arrow keys move among its links and pictures
"use strict";
{
  const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];
  const make = (name, properties = {}, ...content) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...content);
    return element;
  };
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

  // --- find: hide what is called otherwise, open what holds a match, and put all back afterwards
  const NAMED = "[data-name], table.find > tbody > tr";

  function find(text, said) {
    const wanted = plain(text.trim());
    const named = all(NAMED);
    for (const part of named)
      part.hidden = !plain(part.dataset.name ?? part.textContent).includes(wanted);
    for (const fold of all("main details")) {
      const holds = all(NAMED, fold).some((part) => !part.hidden);
      if (wanted && holds && !fold.open) fold.open = fold.found = true;
      else if (!wanted && fold.found) fold.open = fold.found = false;
    }
    said.textContent = named.every((part) => part.hidden) ? "nothing found" : "";
  }

  function search() {
    const said = make("output", { className: "muted" });
    const input = make("input", { type: "search", placeholder: "find a name  ( / )" });
    input.setAttribute("aria-label", "find a name");
    input.addEventListener("input", () => find(input.value, said));
    document.addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.target.matches("input, textarea, select")) return;
      event.preventDefault();
      input.focus();
    });
    document.querySelector("body > header").append(input, said);
  }

  // --- sort: a click on a column's head; what is no number comes last
  function key(cell, first) {
    const text = (cell?.dataset.sort ?? cell?.textContent ?? "").trim();
    const number = first ? NaN : parseFloat(text.replace(/,/g, ""));
    return { text, number };
  }

  function sortable(table) {
    const body = table.tBodies[0];
    if (!table.tHead || body.rows.length < 2) return;
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      if (!head.textContent) return;
      const button = make("button", { type: "button" }, ...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.ariaSort === "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const sign = down ? -1 : 1;
        const rows = [...body.rows].map((row) => [key(row.cells[column], column === 0), row]);
        rows.sort(([a], [b]) => {
          if (isNaN(a.number) !== isNaN(b.number)) return isNaN(a.number) ? 1 : -1;
          const order = isNaN(a.number)
            ? a.text.localeCompare(b.text, undefined, { numeric: true })
            : a.number - b.number;
          return sign * order;
        });
        body.append(...rows.map(([, row]) => row));
      });
    });
  }

  // --- what opens over the page
  function dialog(className) {
    const content = make("div");
    const close = make("form", { method: "dialog" }, make("button", {}, "close"));
    const box = make("dialog", { className }, close, content);
    box.addEventListener("click", (event) => event.target === box && box.close());
    document.body.append(box);
    return (...parts) => {
      content.replaceChildren(...parts);
      dress(content);
      if (!box.open) box.showModal();
      box.scrollTop = 0;
    };
  }
  const showPicked = dialog("picked");
  const showLarge = dialog("large");

  function pick(link) {
    const parts = link.dataset.pick.split(";").flatMap((part) => {
      const [heading, selector] = part.split("|");
      const copies = all(selector, document.querySelector("main")).map((x) => x.cloneNode(true));
      for (const copy of copies) copy.removeAttribute("id");
      const box = make("div", { className: copies[0]?.matches(".wrong, .right") ? "grid keys" : "" });
      box.append(...copies);
      return copies.length ? [make("h4", {}, heading), box] : [];
    });
    const none = make("p", { className: "muted" }, "None of these is among the pictures of this page.");
    const heading = link.dataset.title ?? link.textContent;
    showPicked(make("h2", {}, heading), ...(parts.length ? parts : [none]));
  }

  let large = null;
  function enlarge(figure) {
    large = figure;
    showLarge(figure.cloneNode(true));
  }
  function step(by) {
    const within = large.closest("dialog, main");
    const figures = all("figure:has(img)", within).filter((figure) => figure.checkVisibility());
    const next = figures[figures.indexOf(large) + by];
    if (next) enlarge(next);
  }

  // --- keys
  const STOPS = "a[href], img[tabindex], button";
  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  function middle(element) {
    const box = element.getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2];
  }

  function move(from, [right, down]) {
    const [x, y] = middle(from);
    let best = null;
    let least = Infinity;
    for (const stop of all(STOPS, from.closest(".keys"))) {
      const [toX, toY] = middle(stop);
      const along = (toX - x) * right + (toY - y) * down;
      const aside = Math.abs((toX - x) * down) + Math.abs((toY - y) * right);
      // What lies in the same row or column is nearer than it is.
      if (along > 1 && stop.checkVisibility() && along + 4 * aside < least) {
        least = along + 4 * aside;
        best = stop;
      }
    }
    best?.focus();
  }

  function dress(root) {
    for (const image of all("figure img", root)) {
      image.tabIndex = 0;
      image.setAttribute("role", "button");
    }
    for (const group of all(".keys", root))
      all(STOPS, group).forEach((stop, i) => stop.setAttribute("tabindex", i ? -1 : 0));
  }

  document.addEventListener("focusin", (event) => {
    const group = event.target.closest(".keys");
    if (!group) return;
    for (const stop of all("[tabindex='0']", group)) stop.setAttribute("tabindex", -1);
    event.target.setAttribute("tabindex", 0);
  });
  document.addEventListener("keydown", (event) => {
    const steps = STEPS[event.key];
    if (!steps) {
      if ((event.key === "Enter" || event.key === " ") && event.target.matches("img[role=button]")) {
        event.preventDefault();
        event.target.click();
      }
    } else if (event.target.closest("dialog.large")) {
      event.preventDefault();
      step(steps[0] + steps[1]);
    } else if (event.target.closest(".keys")) {
      event.preventDefault();
      move(event.target, steps);
    }
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-pick]");
    const figure = event.target.matches("img") && event.target.closest("figure");
    if (link) {
      event.preventDefault();
      pick(link);
    } else if (figure && !figure.closest("dialog.large")) enlarge(figure);
    for (const contents of all(".contents[open]"))
      if (event.target.closest("a") || !contents.contains(event.target)) contents.open = false;
  });

  // For a page's own script; it dresses what it has added.
  globalThis.page = { dialog, dress, make, plain };

  if (document.querySelector(NAMED)) search();
  all("table").forEach(sortable);
  dress(document);
}
