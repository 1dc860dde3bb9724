// The page's behaviour. Gradio calls this once, with `element` (shell.html), `trigger` (begins an
// event in Python), `server` (asks Python for something), `props` and `watch` (what Python tells).
const $ = (selector, root = element) => root.querySelector(selector);
const $$ = (selector, root = element) => [...root.querySelectorAll(selector)];
const question = $("#question"), transcript = $("#transcript"), scroller = $("#scroll");
const narrow = matchMedia("(max-width: 1100px)"), tiny = matchMedia("(max-width: 820px)");
const QUIET_MS = 2500; // without news for so long, look whether the server is still there
let conversation = new URLSearchParams(location.search).get("c") || "";
let unkept = false; // there are turns, but they could not be kept
let asking = null; // what is being answered: {id, article, heard}
let opening = null; // the conversation that is being opened: no question yet, nor one in the one before
let indexing = null;
let lost = null; // what was asked when the connection was lost

// Showing.

function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// Make `old` like `fresh`, leaving alone what is the same: nothing jumps, focus and selection stay.
function become(old, fresh) {
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const news = [...fresh.childNodes];
  news.forEach((node, place) => {
    const there = old.childNodes[place];
    if (!there) old.append(node);
    else if (there.nodeName !== node.nodeName) there.replaceWith(node);
    else if (node.nodeType !== Node.ELEMENT_NODE) { if (there.data !== node.data) there.data = node.data; }
    else if (!there.isEqualNode(node)) become(there, node);
  });
  while (old.childNodes.length > news.length) old.lastChild.remove();
}

// HTML made by Python, in which every text is escaped.
function show(place, html) {
  const fresh = place.cloneNode(false);
  fresh.innerHTML = html;
  become(place, fresh);
  for (const time of $$("time", place)) {
    const when = new Date(time.dateTime);
    if (!isNaN(when)) time.textContent = when.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  }
}

const sentence = (text) => text && text[0].toUpperCase() + text.slice(1) + (/[.?!]$/.test(text) ? "" : ".");

function notice(text, again = false) {
  $("#notice span").textContent = sentence(text);
  $("#notice [data-do=again]").hidden = !again;
  $("#notice").hidden = !text;
}

function turn(text, html = "") {
  const edit = make("button", { type: "button", class: "icon", "data-do": "edit", title: "Edit and ask again", "aria-label": "Edit the question and ask again" });
  const article = make("article", { class: "turn" }, make("div", { class: "question" }, make("p", {}, text), edit), make("div", { class: "reply" }));
  if (html) { show($(".reply", article), html); article.dataset.kept = $$(".turn[data-kept]", transcript).length; }
  transcript.append(article);
  return article;
}

function screen() {
  const empty = !transcript.children.length;
  element.classList.toggle("empty", empty);
  $("[data-do=export]").hidden = !conversation || empty;
  $("#welcome").hidden = !empty;
  for (const item of $$("#conversations li")) {
    const link = $("a", item);
    if (item.dataset.id === conversation) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  }
}

function entitle(title) {
  $("#title").textContent = title || "New conversation";
  document.title = title ? `${title} · Cited assistant` : "Cited assistant";
}

function busy(now) {
  $(".send").hidden = now;
  $(".stop").hidden = !now;
  // Not aria-busy: then nothing would be read aloud before the end.
  transcript.toggleAttribute("data-busy", now);
}

const atEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 120;
const toEnd = (smooth) => scroller.scrollTo({ top: scroller.scrollHeight, behavior: smooth ? "smooth" : "instant" });

// Sources beside the answer.

function sources(article, number) {
  if (!article) return $("#sources .cards").replaceChildren();
  const cards = $(".sources", article), refused = $(".refusal", article);
  // What comes closest to a refused question is no source; it is shown when asked for.
  const silent = !cards || (refused && number === undefined);
  $("#sources h2").textContent = refused && !silent ? "Closest passages" : "Sources";
  $("#sources .cards").replaceChildren(...(silent ? [make("p", {}, $(".draft, .searching", article) ? "They come with the sentences that are checked." : "No sources for this answer.")] : cards.cloneNode(true).children));
  if (!silent) element.classList.add("sourced");
  for (const mark of $$("#sources blockquote mark")) {
    const passage = mark.closest("blockquote");
    passage.scrollTop = mark.offsetTop - passage.offsetTop - (passage.clientHeight - mark.offsetHeight) / 2;
  }
  if (number === undefined) return;
  const card = $(`#sources [data-source="${number}"]`);
  element.classList.add("sources-open");
  if (!card) return;
  for (const cite of $$(".cite.open", transcript)) cite.classList.remove("open");
  for (const cite of $$(`[data-cite="${number}"]`, article)) cite.classList.add("open");
  card.classList.add("open");
  card.scrollIntoView({ block: "nearest", behavior: "smooth" });
  card.focus({ preventScroll: true });
}

const cited = () => $(".cited ~ .sources", transcript) !== null;

function closePanels() {
  const open = element.classList.contains("sources-open") || element.classList.contains("menu-open");
  element.classList.remove("sources-open", "menu-open");
  $(".menu").setAttribute("aria-expanded", "false");
  return open;
}

// Asking.

// In place of the turns from the one numbered `before` on; after all of them, if that is null: also
// those that were asked in another tab.
function ask(text, { before = null, query = "" } = {}) {
  text = text.trim();
  if (!text || asking || opening) return;
  if (choosing) return void choosing.then(() => ask(text, { before, query }));
  if (lost) return disconnected({ text, before, query }), again();
  notice("");
  showView("ask");
  for (const one of $$(".turn", transcript)) {
    if (!("kept" in one.dataset) || (before !== null && Number(one.dataset.kept) >= before)) one.remove();
  }
  const article = turn(text);
  show($(".reply", article), '<p class="searching" role="status">Searching</p>');
  asking = { id: crypto.getRandomValues(new Uint32Array(2)).join("-"), article, text, before, query, heard: performance.now() };
  trigger("ask", { ask: asking.id, question: text, conversation: conversation || (unkept ? "" : null), turn: before, search_query: query, within: !$(".within").hidden });
  busy(true);
  screen();
  closePanels();
  toEnd(true);
}

function stop() {
  if (!asking) return;
  const { article, id } = asking;
  asking = null;
  call("halt", { ask: id });
  busy(false);
  unfinished(article, "Stopped. This answer is not kept.");
}

function unfinished(article, text) {
  $(".searching", article)?.remove();
  $(".draft", article)?.remove(); // which nobody will check
  if (cited()) sources(article); else element.classList.remove("sourced");
  const again = make("button", { type: "button", "data-do": "retry" }, "Ask again");
  $(".reply", article).append(make("p", { class: "unfinished", role: "status" }, sentence(text) + " ", again));
}

function told(update) {
  if (!update || typeof update !== "object") return;
  if (indexing && update.ask === indexing) return indexed(update);
  if (!asking || update.ask !== asking.id) return;
  asking.heard = performance.now();
  const { article } = asking, follow = atEnd();
  if (update.state === "failed") {
    asking = null;
    busy(false);
    if (update.everywhere) { $(".within").hidden = true; keep(null); }
    unfinished(article, update.problem);
  } else {
    // While only the draft grows, nothing else is touched.
    if (update.html !== asking.html) {
      show($(".reply", article), asking.html = update.html);
      if (update.state !== "searching") {
        sources(article);
        // From the first word on, so that the text does not move while it is read.
        element.classList.toggle("sourced", update.state === "writing" || cited());
      }
    }
    const draft = $(".draft", article);
    if (draft) draft.textContent = update.draft;
  }
  if (update.state === "done") {
    asking = null;
    busy(false);
    const known = $$(".turn[data-kept]", transcript).length;
    article.dataset.kept = update.turn;
    unkept = !update.conversation;
    entitle(update.title);
    show($("#conversations"), update.list);
    if (update.problem) notice(`This conversation is not kept: ${update.problem}`);
    if (update.conversation !== conversation) opened(update.conversation, true);
    screen();
    if (update.turn > known && update.conversation) {
      open(update.conversation, false).then(() => notice("This conversation also went on in another tab; here is all of it."));
    }
  }
  if (follow) toEnd(false);
}

// A browser tells nothing when an event's connection breaks; so look.
setInterval(async () => {
  if (!(asking && performance.now() - asking.heard > QUIET_MS)) return;
  const { id } = asking;
  try {
    await fetch("healthz", { cache: "no-store" });
  } catch {
    if (asking?.id !== id) return;
    const { article, text, before, query } = asking;
    asking = null;
    busy(false);
    unfinished(article, "The connection was lost before the answer was complete.");
    disconnected({ text, before, query });
  }
}, 1000);

// After a lost connection the page begins anew, by itself or when asked to: what was asked waits
// in the tab's storage.
function disconnected(question) {
  lost = question;
  sessionStorage.setItem("lost", JSON.stringify(lost));
  notice("The connection to the assistant was lost.", true);
}

async function again() {
  try {
    await fetch("healthz", { cache: "no-store" });
  } catch {
    return notice("The assistant does not answer yet. Is it running?", true);
  }
  sessionStorage.setItem("lost", JSON.stringify({ ...lost, ask: true }));
  location.reload();
}

function afterLoading() {
  const waiting = JSON.parse(sessionStorage.getItem("lost") || "null");
  sessionStorage.removeItem("lost");
  if (!waiting?.text) return;
  if (waiting.ask) return ask(waiting.text, waiting);
  unfinished(turn(waiting.text), "The connection was lost before the answer was complete.");
  screen();
  toEnd(false);
}

// Conversations.

function opened(id, push) {
  conversation = id;
  const address = new URL(location.href);
  if (id) address.searchParams.set("c", id); else address.searchParams.delete("c");
  if (address.href !== location.href) history[push ? "pushState" : "replaceState"]({}, "", address);
}

async function call(name, data) {
  try {
    const found = await server[name](data);
    if (found.problem) notice(found.problem);
    return found;
  } catch {
    disconnected({});
    return { problem: true };
  }
}

async function open(id, push = true) {
  if (asking) stop();
  // At once: whoever goes to the documents meanwhile stays there.
  showView("ask");
  const mine = opening = call("start", { conversation: id }), found = await mine;
  if (mine !== opening) return; // another was chosen meanwhile
  opening = null;
  transcript.replaceChildren();
  unkept = false;
  opened(found.turns ? id : "", push);
  if (found.list !== undefined) show($("#conversations"), found.list);
  $(".leave").hidden = !found.user;
  $(".leave span").textContent = found.user || "";
  for (const one of found.turns || []) turn(one.question, one.html);
  entitle(found.title);
  if (found.welcome) {
    show($("#welcome"), found.welcome);
    $("#welcome").removeAttribute("aria-busy");
    examples();
  }
  element.classList.remove("sourced");
  sources($$(".turn", transcript).at(-1));
  closePanels();
  screen();
  toEnd(false);
  if (!tiny.matches && document.body.dataset.view === "ask") question.focus();
}

async function examples() {
  const list = $("#welcome .examples");
  if (!list) return;
  const { questions = [] } = await call("examples", {});
  list.replaceChildren(...questions.map((text) => make("li", {}, make("button", { type: "button", "data-do": "example" }, text))));
}

async function rename(item) {
  const link = $("a", item), field = make("input", { type: "text", "aria-label": "Title", maxlength: 200 });
  field.value = link.title;
  link.replaceWith(field);
  field.select();
  let done = false;
  const end = async (keep) => {
    if (done) return;
    done = true;
    const title = field.value.trim();
    field.replaceWith(link);
    if (!keep || !title || title === link.title) return;
    const found = await call("rename", { conversation: item.dataset.id, title });
    if (found.problem) return;
    show($("#conversations"), found.list);
    if (item.dataset.id === conversation) entitle(found.title);
    screen();
  };
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === "Escape") { event.preventDefault(); event.stopPropagation(); end(event.key === "Enter"); link.focus(); }
  });
  field.addEventListener("blur", () => end(true));
}

function remove(item) {
  const dialog = $("#confirm");
  $("#confirm-text").textContent = `Delete “${$("a", item).title}”? This cannot be undone.`;
  dialog.returnValue = "no";
  dialog.onclose = async () => {
    if (dialog.returnValue !== "yes") return;
    const found = await call("delete", { conversation: item.dataset.id });
    if (found.problem) return;
    if (item.dataset.id === conversation) return open("");
    show($("#conversations"), found.list);
    screen();
  };
  dialog.showModal();
}

async function save() {
  const found = await call("export", { conversation });
  if (found.problem) return;
  const address = URL.createObjectURL(new Blob([found.markdown], { type: "text/markdown" }));
  const name = found.title.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "").slice(0, 60) || "conversation";
  make("a", { href: address, download: `${name}.md` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

// What can be done with an answer.

async function copy(button) {
  const text = $(".copied", button.closest(".reply")).value;
  try {
    await navigator.clipboard.writeText(text);
  } catch { // not over plain HTTP from another machine
    const field = make("textarea", { class: "unseen", "aria-hidden": "true" });
    field.value = text;
    element.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  button.classList.add("done");
  setTimeout(() => button.classList.remove("done"), 1500);
}

async function rate(button, good) {
  const tools = button.closest(".tools"), article = button.closest(".turn");
  const now = tools.dataset.good === String(good) ? null : good;
  const found = await call("rate", rating(article, now, ""));
  if (found.problem) return;
  tools.dataset.good = now ?? "";
  for (const name of ["good", "bad"]) $(`[data-do=${name}]`, tools).setAttribute("aria-pressed", now === (name === "good"));
  $(".comment", article)?.remove();
  if (now === null) return;
  const field = make("input", { type: "text", maxlength: 2000, placeholder: now ? "What was good? (optional)" : "What was wrong? (optional)", "aria-label": "Comment" });
  field.value = tools.dataset.comment;
  const form = make("form", { class: "comment" }, field, make("button", { type: "submit" }, "Send"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const kept = await call("rate", rating(article, now, field.value));
    if (kept.problem) return;
    tools.dataset.comment = field.value;
    form.replaceChildren(make("span", { role: "status" }, "Thank you, kept."));
  });
  tools.after(form);
  field.focus({ preventScroll: true });
}

const placeOf = (article) => Number(article.dataset.kept);
const rating = (article, good, comment) => ({ conversation, turn: placeOf(article), good, comment });

function edit(article, text, query) {
  if (asking || $(".editing", article)) return;
  const shown = $(".question", article);
  const field = make("textarea", { rows: 2, "aria-label": query === undefined ? "Question" : "Search for" });
  field.value = text;
  const form = make("form", { class: "editing" }, field, make("div", {}, make("button", { type: "submit", class: "primary" }, query === undefined ? "Ask again" : "Search again"), make("button", { type: "button", "data-do": "cancel" }, "Cancel")));
  const place = query === undefined ? shown : $(".searched", article);
  place.hidden = true;
  place.after(form);
  const later = after(article);
  if (later) form.prepend(make("p", { role: "status" }, `${later === 1 ? "The question" : `The ${later} questions`} after it ${later === 1 ? "is" : "are"} removed.`));
  const close = () => { form.remove(); place.hidden = false; };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const value = field.value.trim(), before = before_(article);
    close();
    if (query === undefined) ask(value, { before }); else ask($("p", shown).textContent, { before, query: value });
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { event.stopPropagation(); close(); }
    if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); form.requestSubmit(); }
  });
  $("[data-do=cancel]", form).onclick = close;
  fit(field);
  field.focus();
}

// How many turns there are after this one, which go when it is asked again.
const after = (article) => "kept" in article.dataset ? $$(".turn[data-kept]", transcript).filter((one) => placeOf(one) > placeOf(article)).length : 0;

// As which turn a question is asked again; null after the last, if this one was not answered.
const before_ = (article) => "kept" in article.dataset ? Number(article.dataset.kept) : null;

// The viewer, the documents, the first sync.

async function view(button) {
  const dialog = $("#viewer"), inside = $(".document", dialog);
  const page = Number(button.dataset.page) || null;
  const label = button.getAttribute("aria-label"), zoom = $("[name=viewer-zoom]:checked", inside)?.value;
  if (!page) inside.replaceChildren(make("p", { class: "searching", role: "status" }, "Opening"));
  if (!dialog.open) dialog.showModal();
  const found = await call("view", { citation: JSON.parse(button.dataset.citation), page });
  if (found.problem) return dialog.close();
  inside.innerHTML = found.html;
  if (page) {
    // Another page of the same document: the zoom and the keyboard's place stay.
    const same = $(`[name=viewer-zoom][value="${zoom}"]`, inside);
    if (same) same.checked = true;
    ($$("[data-page]:enabled", inside).find((one) => one.getAttribute("aria-label") === label) || $("[data-page]:enabled", inside))?.focus();
  }
  toQuote();
}

const toQuote = () => $$("#viewer [data-focus]").find((one) => one.offsetParent)?.scrollIntoView({ block: "center", inline: "nearest" });

function showView(name) {
  if (document.body.dataset.view === "documents" && name === "ask") choice("choice");
  document.body.dataset.view = name;
  for (const button of $$(".bar nav button")) {
    const current = (button.dataset.do === "documents") === (name === "documents");
    if (current) button.setAttribute("aria-current", "page"); else button.removeAttribute("aria-current");
  }
  if (name === "documents") trigger("documents", {});
}

function index() {
  indexing = crypto.getRandomValues(new Uint32Array(2)).join("-");
  $("[data-do=index]").disabled = true;
  trigger("index", { ask: indexing });
}

function indexed(update) {
  if (update.state === "indexing") return void ($("#welcome .progress").textContent = update.text);
  indexing = null;
  show($("#welcome"), update.welcome);
  if (update.problem) notice(update.problem);
  examples();
}

function dark(now) {
  document.body.classList.toggle("dark", now);
  document.documentElement.style.colorScheme = now ? "dark" : "light";
  $(".theme").setAttribute("aria-pressed", now);
}

// What people do.

const fit = (field) => { field.style.height = "auto"; field.style.height = `${field.scrollHeight + 2}px`; };

const doing = {
  "new": () => open(""),
  open: (target) => open(target.closest("li").dataset.id),
  rename: (target) => rename(target.closest("li")),
  delete: (target) => remove(target.closest("li")),
  export: save,
  menu: () => { const now = element.classList.toggle("menu-open"); $(".menu").setAttribute("aria-expanded", now); },
  theme: () => { const now = !document.body.classList.contains("dark"); localStorage.setItem("theme", now ? "dark" : "light"); dark(now); },
  "ask-view": () => showView("ask"),
  documents: () => showView("documents"),
  example: (target) => ask(target.textContent),
  choose: (target) => ask(target.dataset.question),
  retry: (target) => {
    const article = target.closest(".turn");
    if (after(article)) return doing.edit(target); // not without saying what it removes
    ask($(".question p", article).textContent, { before: before_(article) });
  },
  edit: (target) => { const article = target.closest(".turn"); edit(article, $(".question p", article).textContent); },
  "edit-search": (target) => edit(target.closest(".turn"), target.dataset.query, true),
  copy,
  good: (target) => rate(target, true),
  bad: (target) => rate(target, false),
  sources: (target) => { sources(target.closest(".turn")); element.classList.add("sources-open"); $("#sources .source")?.focus(); },
  view,
  stop,
  index,
  again,
  dismiss: () => notice(""),
  close: (target) => target.closest("dialog").close(),
  "close-sources": closePanels,
  "close-panels": closePanels,
};

element.addEventListener("click", (event) => {
  const cite = event.target.closest("[data-cite]");
  if (cite) {
    event.preventDefault();
    return sources(cite.closest(".turn"), cite.dataset.cite);
  }
  const target = event.target.closest("[data-do]");
  if (!target || event.ctrlKey || event.metaKey || !doing[target.dataset.do]) return;
  event.preventDefault();
  doing[target.dataset.do](target);
});
$("#viewer").addEventListener("click", (event) => event.target === event.currentTarget && event.target.close());
$("#viewer").addEventListener("change", toQuote);
$("#composer").addEventListener("submit", (event) => {
  event.preventDefault();
  if (opening) return void opening.then(() => setTimeout(() => $("#composer").requestSubmit()));
  if (asking || !question.value.trim()) return;
  ask(question.value);
  question.value = "";
  fit(question);
});
question.addEventListener("input", () => fit(question));
question.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("#composer").requestSubmit();
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if ((event.key === "/" && !typing) || (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey))) {
    event.preventDefault();
    showView("ask");
    question.focus();
  } else if (event.key === "Escape" && !$("dialog[open]")) {
    if (!closePanels()) stop();
  }
});
// Ask which documents are chosen; a question waits until that is told.
let choosing = null;
function choice(event, data = {}) {
  const id = crypto.getRandomValues(new Uint32Array(2)).join("-");
  const mine = choosing = new Promise((done) => {
    const end = () => {
      document.removeEventListener("told", heard);
      if (mine === choosing) choosing = null;
      done();
    };
    const heard = ({ detail }) => detail?.ask === id && end();
    document.addEventListener("told", heard);
    setTimeout(end, 10000);
    trigger(event, { ...data, ask: id });
  });
  return mine;
}
// Choose again what the tab's storage has from before the page was loaded.
async function restore() {
  const chosen = JSON.parse(sessionStorage.getItem("chosen") || "null");
  if (!chosen) return;
  await choice("restore", { chosen });
  if ($(".within").hidden) notice("The documents that were chosen are no longer indexed; all are searched.");
}
function keep(chosen) {
  sessionStorage.removeItem("chosen");
  try {
    if (chosen?.length) sessionStorage.setItem("chosen", JSON.stringify(chosen));
  } catch {} // there are too many for it: they are forgotten with the page
}
let changed = 0; // how often the documents have changed, as far as shown
document.addEventListener("told", ({ detail }) => {
  if (!detail) return;
  $(".within").hidden = !detail.within;
  $(".within span").textContent = `Asking within ${detail.within}`;
  keep(detail.chosen);
  if (detail.changed !== changed && !transcript.children.length) {
    call("start", {}).then((found) => { if (found.welcome) { show($("#welcome"), found.welcome); examples(); } });
  }
  changed = detail.changed;
});
window.addEventListener("popstate", () => open(new URLSearchParams(location.search).get("c") || "", false));
const system = matchMedia("(prefers-color-scheme: dark)");
const theme = () => dark(localStorage.getItem("theme") ? localStorage.getItem("theme") === "dark" : system.matches);
system.addEventListener("change", theme);
watch("value", () => told(props.value));

theme();
document.body.dataset.view = "ask";
opening = restore();
opening.then(() => open(conversation, false)).then(() => {
  afterLoading();
  element.dataset.ready = "";
});
