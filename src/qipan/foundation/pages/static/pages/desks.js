// Progress that looks again by itself, and files dropped on their field. Both pages work without.
(function () {
  "use strict";
  var failures = 0;

  function again(part) {
    var url = part.dataset.part;
    if (!url) { return; }
    window.setTimeout(function () {
      window.fetch(url, { credentials: "same-origin", headers: { "X-Requested-With": "fetch" } }).then(function (answer) {
        if (answer.redirected || !answer.ok) { throw new Error(String(answer.status)); }
        return answer.text();
      }).then(function (text) {
        failures = 0;
        var made = new DOMParser().parseFromString(text, "text/html").querySelector(".progress-part");
        if (!made) { throw new Error("part"); }
        // over: the page has more to say than the bar
        if (!made.dataset.part) { window.location.reload(); return; }
        part.replaceWith(made);
        again(made);
      }).catch(function () {
        failures += 1;
        if (failures < 30) { again(part); }
      });
    }, Math.min(1500 * (1 + failures), 15000));
  }

  function dropping(zone) {
    var input = zone.querySelector('input[type="file"]');
    var name = zone.querySelector("[data-name]");
    if (!input) { return; }
    function say() { if (name) { name.textContent = input.files.length ? input.files[0].name : ""; } }
    input.addEventListener("change", say);
    ["dragenter", "dragover"].forEach(function (kind) {
      zone.addEventListener(kind, function (event) { event.preventDefault(); zone.classList.add("over"); });
    });
    ["dragleave", "drop"].forEach(function (kind) {
      zone.addEventListener(kind, function (event) { event.preventDefault(); zone.classList.remove("over"); });
    });
    zone.addEventListener("drop", function (event) {
      if (!event.dataTransfer || !event.dataTransfer.files.length) { return; }
      var one = new DataTransfer();
      one.items.add(event.dataTransfer.files[0]);
      input.files = one.files;
      say();
    });
    say();
  }

  window.addEventListener("DOMContentLoaded", function () {
    document.querySelectorAll(".progress-part").forEach(again);
    document.querySelectorAll("[data-drop]").forEach(dropping);
  });
})();
