// The cards without a network: a visit is kept on this phone first (no name in it), then sent, until the server has
// answered for it. Sent twice it is one visit, because its key is made once, here. Without this script the buttons
// are links to a form.
(function () {
  "use strict";
  var field = document.getElementById("field");
  if (!field || !window.fetch || !window.JSON) { return; }
  var words = JSON.parse(document.getElementById("field-words").textContent);
  var box = document.getElementById("field-queue");
  var template = document.getElementById("visit-template");
  var slot = "qipan-visits-" + field.dataset.user;
  var loaded = Date.now();
  var base = Date.parse(field.dataset.now + "Z");
  var sending = false, trouble = "";
  var NAMES_FOR = 45 * 60 * 1000, AGAIN_AFTER = 30 * 1000;

  function read() {
    var kept = JSON.parse(localStorage.getItem(slot) || "[]");
    return Array.isArray(kept) ? kept : [];
  }
  function write(visits) { localStorage.setItem(slot, JSON.stringify(visits)); }
  try { write(read()); } catch (error) { return; } // no storage: the links do

  // the server's clock, carried on by this phone's: a phone that goes wrong does not make visits of tomorrow
  function now() { return new Date(base + Math.max(0, Date.now() - loaded)).toISOString().slice(0, 16); }
  function newKey() {
    var bytes = new Uint8Array(16);
    window.crypto.getRandomValues(bytes);
    return "phone-" + Array.prototype.map.call(bytes, function (b) { return ("0" + b.toString(16)).slice(-2); }).join("");
  }
  function say(word, n) { return words[word].replace("{n}", n); }
  function cardOf(order) { return field.querySelector('.door[data-order="' + order + '"]'); }

  function show(card, kind, text) {
    var state = card.querySelector(".card-state");
    state.hidden = !text;
    state.className = "card-state " + kind;
    state.textContent = text;
    card.classList.toggle("is-done", kind === "saved" || kind === "waiting");
  }

  function draw() {
    var visits = read();
    var waiting = visits.filter(function (visit) { return !visit.refused; });
    var refused = visits.filter(function (visit) { return visit.refused; });
    box.hidden = !visits.length && !trouble;
    box.textContent = "";
    if (waiting.length) { line((sending ? say("sending") + " " : "") + say("waiting", waiting.length)); }
    if (trouble) { line(words[trouble]); }
    if (trouble === "signedOut") {
      var link = document.createElement("a");
      link.href = field.dataset.signIn; link.className = "btn btn-primary"; link.textContent = "→";
      link.setAttribute("aria-label", words.signedOut);
      box.appendChild(link);
    }
    if (refused.length) {
      line(say("refused", refused.length));
      var list = document.createElement("ul");
      refused.forEach(function (visit) {
        var item = document.createElement("li"), button = document.createElement("button");
        item.textContent = visit.code + " · " + visit.title + " · " + visit.visited_at.replace("T", " ") + ": " + visit.refused;
        button.type = "button"; button.className = "btn btn-outline-secondary"; button.textContent = words.dismiss;
        button.addEventListener("click", function () { forget([visit.key]); draw(); });
        item.appendChild(button); list.appendChild(item);
      });
      box.appendChild(list);
    }
    waiting.forEach(function (visit) {
      var card = cardOf(visit.order);
      if (card) { show(card, "waiting", words.card + ": " + visit.title); }
    });
  }
  function line(text) { var p = document.createElement("div"); p.textContent = text; box.appendChild(p); }
  function forget(keys) { write(read().filter(function (visit) { return keys.indexOf(visit.key) < 0; })); }

  function send() {
    var waiting = read().filter(function (visit) { return !visit.refused; }).slice(0, 100);
    if (sending || !waiting.length) { draw(); return; }
    sending = true; draw();
    fetch(field.dataset.send, {
      method: "POST", credentials: "same-origin", redirect: "manual",
      headers: { "Content-Type": "application/json", "X-CSRFToken": document.querySelector("#field-token input").value },
      body: JSON.stringify(waiting.map(function (visit) {
        return { key: visit.key, order: visit.order, outcome: visit.outcome, visited_at: visit.visited_at,
                 temperature: visit.temperature, symptoms: visit.symptoms };
      }))
    }).then(function (answer) {
      if (answer.type === "opaqueredirect" || answer.status === 400 || answer.status === 403) { throw new Error("signedOut"); }
      if (!answer.ok) { throw new Error("offline"); }
      return answer.json();
    }).then(function (answer) {
      trouble = "";
      var visits = read();
      write(visits.filter(function (visit) {
        var said = answer.visits[visit.key];
        if (!said) { return true; }
        var card = cardOf(visit.order);
        if (said.state === "refused") {
          visit.refused = said.text;
          if (card) { show(card, "refused", words.notTaken + ": " + said.text); }
          return true;
        }
        if (card) {
          show(card, "saved", words.saved + ": " + visit.title + ". " + said.text);
          if (said.again === "today") { card.classList.remove("is-done"); }
        }
        return false;
      }));
      sending = false; draw();
      if (read().some(function (visit) { return !visit.refused && !answer.visits[visit.key]; })) { send(); }
    }).catch(function (error) {
      trouble = error.message === "signedOut" ? "signedOut" : "offline";
      sending = false; draw();
    });
  }

  function open(button) {
    var card = button.closest(".door"), outcome = button.dataset.outcome;
    close(card);
    var form = template.content.cloneNode(true).querySelector("form");
    var title = button.dataset.title;
    form.dataset.outcome = outcome; form.dataset.key = newKey(); form.dataset.title = title;
    form.querySelector(".visit-title").textContent = title;
    form.querySelector(".leads").textContent = button.dataset.leads;
    form.querySelectorAll("[data-for]").forEach(function (part) {
      if (part.dataset.for.split(" ").indexOf(outcome) < 0) { part.remove(); }
    });
    form.elements.visited_at.value = now();
    card.appendChild(form); card.classList.add("is-open");
    form.querySelector(".visit-title").focus();
  }
  function close(card) {
    var form = card.querySelector("form.visit");
    if (form) { form.remove(); }
    card.classList.remove("is-open");
  }
  function wrong(form, text) {
    var place = form.querySelector(".wrong-text");
    place.textContent = text; place.hidden = false;
  }
  function keep(form) {
    var card = form.closest(".door"), data = new FormData(form);
    var visit = {
      key: form.dataset.key, order: Number(card.dataset.order), code: card.dataset.code, outcome: form.dataset.outcome,
      title: form.dataset.title, visited_at: data.get("visited_at"), temperature: data.get("temperature") || null,
      symptoms: data.getAll("symptoms")
    };
    if (!visit.visited_at) { wrong(form, words.when); return; }
    if (visit.outcome === "symptomatic" && !visit.symptoms.length) { wrong(form, words.symptoms); return; }
    if (!form.reportValidity()) { return; }
    var visits = read();
    if (!visits.some(function (other) { return other.key === visit.key; })) { visits.push(visit); write(visits); }
    close(card);
    show(card, "waiting", words.card + ": " + visit.title);
    send();
    var next = card.nextElementSibling || (card.closest(".home").nextElementSibling || card).querySelector("h3");
    if (next && next.scrollIntoView) { next.scrollIntoView({ block: "center" }); }
  }

  field.addEventListener("click", function (event) {
    var button = event.target.closest("a.outcome");
    if (button) { event.preventDefault(); open(button); return; }
    if (event.target.closest("[data-cancel]")) { close(event.target.closest(".door")); }
  });
  field.addEventListener("submit", function (event) {
    if (event.target.matches("form.visit")) { event.preventDefault(); keep(event.target); }
  });
  window.addEventListener("online", send);
  document.addEventListener("visibilitychange", function () { if (!document.hidden) { send(); } });
  window.setInterval(function () { if (read().some(function (visit) { return !visit.refused; })) { send(); } }, AGAIN_AFTER);

  // opened names go with the page; a page that is left open does not keep them
  if (field.querySelector('[data-names="open"]')) {
    window.setTimeout(function () {
      field.querySelectorAll("[data-name], [data-names]").forEach(function (part) { part.remove(); });
    }, NAMES_FOR);
  }
  send();
})();
