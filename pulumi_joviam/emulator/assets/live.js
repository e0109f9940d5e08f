"use strict";
// Polls live.json and shows it. Everything is set as text, never as HTML: names are chosen by users.

const POLL_MS = 400;
const MOST_EVENTS = 60;
const NOUNS = { instances: "instance", disks: "disk", networks: "network", addresses: "address", public_keys: "key",
  templates: "template", consoles: "console" };

const place = (id) => document.getElementById(id);

function make(tag, classes, ...content) {
  const element = document.createElement(tag);
  if (classes) element.className = classes;
  element.append(...content.flat(Infinity).filter((each) => each !== null));
  return element;
}

// Cards

const tone = (thing) => thing.busy ? "busy" : /^failed/.test(thing.state) ? "bad"
  : /^(running|attached|ready)$/.test(thing.state) ? "good" : "";

const pill = (thing) => make("span", `state ${tone(thing)}`, String(thing.state).replaceAll("_", " "));

const named = (name) => make("span", name ? "" : "quiet", name || "no name");

const plural = (number, noun) => number === 1 ? noun : noun.endsWith("s") ? `${noun}es` : `${noun}s`;

const many = (number, noun) => `${number} ${plural(number, noun)}`;

function swatch(network) { // the same color wherever a network is shown
  const mark = make("span", "net");
  mark.style.background = `hsl(${parseInt(network.id.slice(0, 6), 16) % 360} 60% 50%)`;
  mark.setAttribute("aria-hidden", "true");
  return mark;
}

const row = ([words, state]) => make("li", "", make("span", "words", words), state || null);

function card(thing, about, rows) {
  const filled = rows.filter(([, items]) => items.length);
  const list = filled.map(([label, items]) => [
    make("dt", "", label), make("dd", "", make("ul", "", items.map(row))),
  ]);
  return make("li", `card ${thing.state ? tone(thing) : ""}`,
    make("header", "", make("h3", "", named(thing.name)), thing.state ? pill(thing) : null),
    about ? make("p", "quiet", about) : null,
    list.length ? make("dl", "", ...list) : null);
}

const aboutDisk = (disk) => [`${disk.size} GB`, disk.tier, disk.template].filter(Boolean).join(" · ");

const show = {
  instances: (it) => card(it, `${it.memory} MB · ${it.tier} · ${it.region}`, [
    ["Disks", it.disks.map((disk) => [[named(disk.name), make("span", "quiet", aboutDisk(disk))], pill(disk)])],
    ["Network", it.adapters.map((adapter) => [[
      swatch(adapter.network), named(adapter.network.name || adapter.network.specification),
      adapter.addresses.map((address) => make("span", "mono", address)),
      adapter.dhcp ? make("span", "quiet", "dhcp") : null,
    ]])],
    ["Keys", it.public_keys.length ? [[it.public_keys.join(", ")]] : []],
    ["Apart from", it.availability_group.length ? [[it.availability_group.join(", ")]] : []],
    ["Context", it.variables ? [[many(it.variables, "variable")]] : []],
    ["Console", it.consoles.map((session) => [session.name, pill(session)])],
  ]),
  disks: (it) => card(it, `${aboutDisk(it)} · ${it.region}`, []),
  networks: (it) => {
    const element = card(it, `${it.specification} · ${it.region}${it.public ? " · public" : ""}`, [
      ["Addresses", it.addresses.map((address) => [[
        make("span", "mono", address.address), address.name ? named(address.name) : null,
        make("span", "quiet", address.users.length ? `→ ${address.users.join(", ")}` : "free"),
      ]])],
    ]);
    element.querySelector("h3").prepend(swatch(it), " ");
    return element;
  },
  public_keys: (it) => card(it, it.type, []),
  templates: (it) => card(it, `${it.slug || ""} version ${it.version} · ${it.region}`, []),
};
const showAny = (it) => card(it, it.about, []); // of a kind that has no form of its own above
const words = (kind) => kind.replaceAll("_", " ");

function section(kind) { // made for a kind that live.html does not place
  const title = make("h2", "", words(kind)[0].toUpperCase() + words(kind).slice(1));
  const list = make("ul", "cards small");
  [title.id, list.id] = [`h-${kind}`, kind];
  const made = make("section", "", title, list);
  made.setAttribute("aria-labelledby", title.id);
  document.querySelector("main").append(made);
  return list;
}

// Draws only what changed, so that the selection and the scroll position stay

function draw(kind, things) {
  const list = place(kind) || (things.length ? section(kind) : null);
  if (!list) return;
  const before = new Map([...list.children].map((element) => [element.dataset.id, element]));
  const first = list.dataset.drawn === undefined;
  list.dataset.drawn = "";
  const after = things.map((thing) => {
    const text = JSON.stringify(thing);
    const old = before.get(thing.id);
    if (old && old.shown === text) return old;
    const element = (show[kind] || showAny)(thing);
    element.dataset.id = thing.id;
    element.shown = text;
    if (!first) element.classList.add("fresh");
    return element;
  });
  if (after.length !== before.size || after.some((element, index) => element !== list.children[index])) {
    list.replaceChildren(...after);
  }
  list.parentElement.hidden = !after.length;
}

// Changes since the last poll

let known = null;

function everything(cards) {
  const found = new Map();
  const take = (kind, thing) => found.set(thing.id, {
    what: `${NOUNS[kind] || words(kind).replace(/s$/, "")} ${thing.address || thing.name || thing.specification || "without a name"}`,
    state: (thing.state || "").replaceAll("_", " "),
  });
  for (const kind of Object.keys(cards)) cards[kind].filter((thing) => !thing.public).forEach((thing) => take(kind, thing));
  for (const instance of cards.instances) {
    instance.disks.forEach((disk) => take("disks", disk));
    instance.consoles.forEach((session) => take("consoles", { ...session, name: `of ${instance.name}` }));
  }
  for (const network of cards.networks) network.addresses.forEach((address) => take("addresses", address));
  return found;
}

function changes(now) {
  if (!known) return [];
  const found = [];
  for (const [id, { what, state }] of now) {
    const before = known.get(id);
    if (!before) found.push(`${what} is new${state && `, ${state}`}`);
    else if (before.state !== state) found.push(`${what} is ${state}`);
  }
  for (const [id, { what }] of known) if (!now.has(id)) found.push(`${what} is gone`);
  return found;
}

function report(picture) {
  const now = everything(picture.cards);
  const found = changes(now);
  known = now;
  if (!found.length) return;
  const clock = new Date().toLocaleTimeString([], { hour12: false });
  const feed = place("events");
  feed.prepend(...found.slice(-MOST_EVENTS).reverse().map(
    (text) => make("li", "fresh", make("time", "", clock), make("span", "", text))));
  while (feed.children.length > MOST_EVENTS) feed.lastChild.remove();
  place("no-events").hidden = true;
  place("spoken").textContent = found.length > 3 ? many(found.length, "change") : found.join("; ");
}

function count(picture) {
  const sum = (things, part) => things.reduce((total, thing) => total + thing[part].length, 0);
  const { instances, disks, networks, public_keys: keys } = picture.cards;
  const numbers = [
    [instances.length, "instance"],
    [disks.length + sum(instances, "disks"), "disk"],
    [networks.filter((network) => !network.public).length, "network"],
    [sum(networks, "addresses"), "address"],
    [keys.length, "key"],
  ];
  place("counts").replaceChildren(
    ...numbers.map(([number, noun]) => make("span", "", make("b", "", String(number)), ` ${plural(number, noun)}`)),
    ...(picture.busy ? [make("span", "state busy", `${picture.busy} under way`)] : []));
}

function log(requests, received) {
  place("received").textContent = `${received} in all`;
  place("requests").replaceChildren(...requests.map((request) => make("li", "",
    make("span", "mono", request.status === null ? "–" : String(request.status)),
    make("span", "mono", request.operation || "an unknown URL"))));
}

// Polling

let tag = "";

async function poll() {
  try {
    const response = await fetch("live.json", { headers: { "If-None-Match": tag }, cache: "no-store" });
    if (response.status === 200) {
      tag = response.headers.get("ETag");
      const picture = await response.json();
      for (const [kind, things] of Object.entries(picture.cards)) draw(kind, things);
      place("empty").hidden = Object.values(picture.cards).some((things) => things.length);
      count(picture);
      report(picture);
      log(picture.requests, picture.received);
    } else if (response.status !== 304) {
      throw new Error(`status ${response.status}`);
    }
    connection("live", "live");
  } catch (error) {
    console.warn(error);
    tag = "";
    connection("lost", "no response: is the emulator still running?");
  }
  setTimeout(poll, document.hidden ? 5 * POLL_MS : POLL_MS);
}

function connection(state, text) {
  const shown = place("connection");
  if (shown.textContent === text) return;
  shown.className = `connection ${state}`;
  shown.textContent = text;
}

place("endpoint").textContent = `${location.origin}/api/v1`;
poll();
