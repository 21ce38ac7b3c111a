// What people do: dialogs, what a silence would mute, and the token that writing needs. Pages can be read without it.
"use strict";
(() => {
  const KEY = "keepwell-token", NAME = "keepwell-name";
  const dialog = (id) => document.getElementById(id);
  let waiting = null; // what is sent once there is a token

  function showDeeds(root) {
    for (const element of root.querySelectorAll("[data-deeds]")) element.hidden = false;
  }

  // Sending ----------------------------------------------------------------------------------------------------------
  async function send(path, body) {
    const token = sessionStorage.getItem(KEY);
    const headers = { "content-type": "application/json", accept: "application/json" };
    if (token) headers.authorization = `Bearer ${token}`;
    const reply = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
    if (reply.ok) return;
    const error = (await reply.json().catch(() => null))?.error;
    const refusal = new Error(error ? [error.message, error.hint].filter(Boolean).join(": ") : `the server answered ${reply.status}`);
    refusal.wantsToken = reply.status === 401 || error?.code === "refused.permission";
    throw refusal;
  }

  function fail(place, error) {
    if (error.wantsToken) askForToken(place, error);
    else tell(place, error.message);
  }

  function tell(place, sentence) {
    const told = place?.querySelector("[data-problem]");
    if (told) told.textContent = sentence;
    else window.alert(sentence);
  }

  async function deliver(path, body, place) {
    try {
      await send(path, body);
    } catch (error) {
      waiting = { path, body, place };
      fail(place, error);
      return;
    }
    place?.closest("dialog")?.close();
    const live = document.getElementById("live");
    if (live) htmx.trigger(live, "again");
  }

  function askForToken(place, error) {
    const ask = dialog("token");
    ask.querySelector("[data-problem]").textContent = sessionStorage.getItem(KEY) ? error.message : "";
    ask.querySelector("input").value = "";
    ask.showModal();
  }

  // Forms ------------------------------------------------------------------------------------------------------------
  function open(button) {
    const box = dialog(button.dataset.dialog);
    const form = box.querySelector("form");
    form.reset();
    form.dataset.number = button.dataset.number ?? "";
    form.querySelector("[data-problem]").textContent = "";
    const digest = form.querySelector("[data-digest]"); // of the text that is decided on: not of one that stands there later
    if (digest) digest.value = button.dataset.digest;
    const named = form.querySelector("[data-named]");
    if (named) named.textContent = `${button.dataset.name} ${button.dataset.number ?? ""}`;
    for (const input of form.querySelectorAll("[data-remember]")) input.value = localStorage.getItem(NAME) ?? "";
    const lines = form.querySelector("[data-lines]");
    if (lines) lines.value = button.dataset.matchers ?? "";
    box.showModal();
    if (lines) preview(lines);
  }

  function bodyOf(form) {
    const body = {};
    for (const element of form.elements) {
      if (!element.name) continue;
      if (element.type === "checkbox") body[element.name] = element.checked;
      else if (element.hasAttribute("data-lines")) body[element.name] = linesOf(element);
      else if (element.value.trim() || element.hasAttribute("data-keep")) body[element.name] = element.value.trim();
    }
    return body;
  }

  function linesOf(area) {
    return area.value.split("\n").map((line) => line.trim()).filter(Boolean);
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.closest("dialog")) return;
    event.preventDefault();
    if (form.closest("#token")) {
      sessionStorage.setItem(KEY, form.elements.token.value.trim());
      form.closest("dialog").close();
      if (waiting) deliver(waiting.path, waiting.body, waiting.place);
      return;
    }
    const remembered = form.querySelector("[data-remember]");
    if (remembered) localStorage.setItem(NAME, remembered.value.trim());
    deliver(form.dataset.action.replace("{number}", form.dataset.number), bodyOf(form), form);
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button");
    if (!button) return;
    if (button.dataset.dialog) open(button);
    else if (button.dataset.post) deliver(button.dataset.post, {}, null);
    else if (button.hasAttribute("data-close")) button.closest("dialog").close();
  });

  // What a silence would mute ----------------------------------------------------------------------------------------
  let timer = 0, asked = 0;

  async function preview(area) {
    const turn = ++asked;
    const place = area.closest("form").querySelector("[data-previewed]");
    const lines = linesOf(area);
    if (!lines.length) { place.replaceChildren("Write at least one matcher."); return; }
    const query = new URLSearchParams(lines.map((line) => ["matcher", line]));
    let answer, ok = false;
    try {
      const reply = await fetch(`${area.dataset.preview}?${query}`, { headers: { accept: "application/json" } });
      ok = reply.ok;
      answer = await reply.json();
    } catch { answer = { error: { message: "The server does not answer", hint: "" } }; }
    if (turn !== asked) return; // a later question is under way
    place.replaceChildren(...(ok ? fitting(answer) : [`${answer.error.message}. ${answer.error.hint}`]));
  }

  function fitting(answer) {
    const head = document.createElement("b");
    head.textContent = answer.total === 1 ? "1 active alert fits" : `${answer.total} active alerts fit`;
    const list = document.createElement("ul");
    for (const alert of answer.alerts) {
      const item = document.createElement("li");
      item.textContent = `${alert.severity} ${alert.name} ${alert.message}`;
      list.append(item);
    }
    return [head, list];
  }

  document.addEventListener("input", (event) => {
    if (!event.target.dataset?.preview) return;
    clearTimeout(timer);
    timer = setTimeout(() => preview(event.target), 250);
  });

  document.addEventListener("htmx:load", (event) => showDeeds(event.target.parentElement ?? document));
  document.addEventListener("DOMContentLoaded", () => showDeeds(document));
})();
