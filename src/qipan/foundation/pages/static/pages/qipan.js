// What pages do beyond links and forms; every page works without it.
(function () {
  "use strict";
  var root = document.documentElement;

  document.addEventListener("click", function (event) {
    var act = event.target.closest("[data-act]");
    if (!act) { return; }
    if (act.dataset.act === "theme") {
      var next = root.getAttribute("data-bs-theme") === "dark" ? "light" : "dark";
      root.setAttribute("data-bs-theme", next);
      try { localStorage.setItem("qipan-theme", next); } catch (error) { /* private window */ }
      document.dispatchEvent(new CustomEvent("qipan:theme"));
    }
    if (act.dataset.act === "menu") { menu(!document.querySelector(".frame-head").classList.contains("shown")); }
    if (act.dataset.act === "print") { window.print(); }
    if (act.dataset.act === "all") {
      document.querySelectorAll('#list-form input[name="row"]').forEach(function (box) { box.checked = act.checked; });
    }
  });

  // On a phone the navigation, the search and the tools lie behind the menu.
  function menu(shown) {
    var button = document.querySelector('[data-act="menu"]');
    if (!button) { return; }
    document.querySelector(".frame-head").classList.toggle("shown", shown);
    button.setAttribute("aria-expanded", String(shown));
  }

  // A choice filters at once; not while it is walked through by keys, where every step is a change.
  var keys = false;
  document.addEventListener("pointerdown", function () { keys = false; }, true);
  document.addEventListener("keydown", function () { keys = true; }, true);
  document.addEventListener("change", function (event) {
    if (event.target.dataset && event.target.dataset.act === "submit" && !keys) { event.target.form.requestSubmit(); }
  });

  // A row opens with a click anywhere on it that is not a control.
  document.addEventListener("click", function (event) {
    var row = event.target.closest("tr[data-href]");
    if (!row || event.target.closest("a, button, input, select, label")) { return; }
    if (String(window.getSelection())) { return; }
    window.location.href = row.dataset.href;
  });

  function typing(target) { return target.closest("input, select, textarea, [contenteditable]"); }

  function move(step) {
    var rows = Array.prototype.slice.call(document.querySelectorAll("table.list tbody tr"));
    if (!rows.length) { return; }
    var at = rows.findIndex(function (row) { return row.classList.contains("at"); });
    var next = Math.min(Math.max(at + step, 0), rows.length - 1);
    rows.forEach(function (row) { row.classList.remove("at"); });
    rows[next].classList.add("at");
    rows[next].scrollIntoView({ block: "nearest" });
    var first = rows[next].querySelector("a");
    if (first) { first.focus({ preventScroll: true }); }
  }

  // Help, and afterwards back to where the keyboard was.
  function ask(help, before) {
    help.click();
    document.getElementById("help").addEventListener("hidden.bs.offcanvas", function () { before.focus(); }, { once: true });
  }

  document.addEventListener("keydown", function (event) {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      var search = document.getElementById("q");
      if (search) { event.preventDefault(); menu(true); search.focus(); search.select(); }
      return;
    }
    if (event.key === "Escape" && document.querySelector(".frame-head.shown")) {
      menu(false);
      document.querySelector('[data-act="menu"]').focus();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) { return; }
    if (event.key === "/") {
      var filter = document.querySelector('.filters input:not([type="hidden"]), .filters select');
      if (filter) { event.preventDefault(); filter.focus(); }
    } else if (event.key === "j") { move(1);
    } else if (event.key === "k") { move(-1);
    } else if (event.key === "?") {
      var help = document.querySelector('[data-bs-target="#help"]');
      if (help) { ask(help, document.activeElement); }
    }
  });

  window.addEventListener("DOMContentLoaded", function () {
    var focus = document.querySelector('[data-act="focus"]');
    if (focus) { focus.focus(); }
  });

  // The wall reads itself anew every minute.
  if (root.classList.contains("wall")) { window.setTimeout(function () { window.location.reload(); }, 60000); }
})();
