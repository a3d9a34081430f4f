// The picture of chains: positions come from the server, the browser only draws, moves and opens.
(function () {
  "use strict";

  function token(name) { return window.getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }

  function style(data) {
    var ink = token("--q-ink") || "#14242d";
    var back = token("--bs-body-bg") || "#fff";
    var rules = [
      { selector: "node", style: { width: 17, height: 17, "border-width": 1, "border-color": ink, "background-color": "#999", color: ink,
          label: "data(label)", "font-size": 10, "text-valign": "bottom", "text-margin-y": 2, "min-zoomed-font-size": 8,
          "text-background-color": back, "text-background-opacity": 0.75 } },
      { selector: "node[?guessed]", style: { "border-style": "dashed", "border-width": 2 } },
      { selector: "edge", style: { width: 1.3, "line-color": token("--q-quiet") || "#666", "curve-style": "straight" } },
      { selector: "edge[?bend]", style: { "curve-style": "segments", "edge-distances": "node-position", "segment-distances": "data(bend)", "segment-weights": "data(weight)" } },
      { selector: "edge.besides", style: { "curve-style": "straight", "line-style": "dashed", "line-dash-pattern": [4, 4] } },
      { selector: "node.tick", style: { width: 1, height: 1, "border-width": 0, "background-opacity": 0, label: "data(label)", "text-valign": "top",
          "min-zoomed-font-size": 0, "text-background-opacity": 0.9, events: "no", "z-index": 20 } },
      { selector: "edge.tick", style: { width: 1, "line-color": token("--q-line") || "#ccc", "curve-style": "haystack", events: "no" } },
      { selector: "node.chosen", style: { width: 28, height: 28, "border-width": 5, "border-color": "#CC79A7", "z-index": 10, "min-zoomed-font-size": 0 } },
      { selector: "node.at", style: { "border-width": 3, "min-zoomed-font-size": 0, "z-index": 11 } }
    ];
    Object.keys(data.marks).forEach(function (kind) {
      rules.push({ selector: 'node[kind = "' + kind + '"]', style: { "background-color": data.marks[kind][0], shape: data.marks[kind][1] } });
    });
    return rules;
  }

  // A branch leaves its infector downwards and arrives from the left: one corner, at (x of the one, y of the other).
  function corner(from, to) {
    var dx = to.x - from.x, dy = to.y - from.y, length = Math.sqrt(dx * dx + dy * dy);
    if (!dx || !dy) { return null; }
    // the corner's place along the straight line (weight) and beside it (distance), as cytoscape wants them
    return { weight: (dy * dy) / (length * length), bend: (dx * dy) / length };
  }

  function elements(data) {
    var place = {};
    var made = [];
    data.nodes.forEach(function (node) {
      place[node.id] = node;
      made.push({ group: "nodes", data: { id: node.id, label: node.label, kind: node.kind, guessed: node.guessed }, position: { x: node.x, y: node.y }, classes: node.id === data.chosen ? "case chosen" : "case" });
    });
    data.pairs.forEach(function (pair, index) {
      var bent = pair[2] ? corner(place[pair[0]], place[pair[1]]) : null;
      made.push({ group: "edges", data: Object.assign({ id: "e" + index, source: pair[0], target: pair[1] }, bent || {}), classes: pair[2] ? "branch" : "besides" });
    });
    data.ticks.forEach(function (tick, index) {
      made.push({ group: "nodes", data: { id: "t" + index, label: tick[1] }, position: { x: tick[0], y: -36 }, classes: "tick", selectable: false, grabbable: false });
      made.push({ group: "nodes", data: { id: "b" + index, label: "" }, position: { x: tick[0], y: data.height }, classes: "tick", selectable: false, grabbable: false });
      made.push({ group: "edges", data: { id: "g" + index, source: "t" + index, target: "b" + index }, classes: "tick", selectable: false });
    });
    return made;
  }

  function start() {
    var place = document.getElementById("chains");
    var source = document.getElementById("chains-data");
    if (!place || !source || !window.cytoscape) { return; }
    var data = JSON.parse(source.textContent);
    var said = document.querySelector(".chains-said");
    var began = performance.now();
    var cy = window.cytoscape({
      container: place, elements: elements(data), style: style(data), layout: { name: "preset", fit: false },
      minZoom: 0.02, maxZoom: 3, autoungrabify: true, boxSelectionEnabled: false, autounselectify: true,
      hideEdgesOnViewport: data.nodes.length > 1500, textureOnViewport: data.nodes.length > 1500, pixelRatio: data.nodes.length > 1500 ? 1 : "auto"
    });
    var shown = cy.elements("node.case");

    function home() {
      if (data.chosen) {
        var node = cy.getElementById(data.chosen);
        if (node.nonempty()) { cy.zoom(1); cy.center(node); return; }
      }
      fit();
    }
    // Everything, as long as something is to be seen of it; else the whole period from the top, to be moved down.
    function fit() {
      cy.fit(shown, 36);
      if (cy.zoom() > 1.2) { cy.zoom(1.2); cy.center(shown); }
      if (cy.zoom() < 0.2) {
        var box = shown.boundingBox();
        cy.zoom(Math.max(0.2, Math.min(0.6, (cy.width() - 72) / box.w)));
        cy.pan({ x: (cy.width() - box.w * cy.zoom()) / 2 - box.x1 * cy.zoom(), y: 36 - box.y1 * cy.zoom() });
      }
    }
    function zoom(factor) { cy.zoom({ level: cy.zoom() * factor, renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } }); }
    // Days stay readable wherever one looks: at the upper edge, in the size of the screen, thinned out.
    var apart = data.ticks.length > 1 ? data.ticks[1][0] - data.ticks[0][0] : 1;
    var waiting = false;
    function dates() {
      waiting = false;
      var every = Math.max(1, Math.ceil(72 / (apart * cy.zoom())));
      var top = (20 - cy.pan().y) / cy.zoom();
      cy.batch(function () {
        data.ticks.forEach(function (tick, index) {
          var node = cy.getElementById("t" + index);
          node.position({ x: tick[0], y: top });
          node.style({ "font-size": 12 / cy.zoom(), "text-opacity": index % every ? 0 : 1 });
        });
      });
    }
    cy.on("viewport", function () { if (!waiting) { waiting = true; window.requestAnimationFrame(dates); } });
    home();
    dates();
    cy.one("render", function () { place.dataset.ready = String(Math.round(performance.now() - began)); });

    cy.on("tap", "node.case", function (event) { window.location.href = data.url.replace("/0/", "/" + event.target.id() + "/"); });
    cy.on("mouseover", "node.case", function (event) { event.target.addClass("at"); place.classList.add("over"); if (said) { said.textContent = event.target.data("label"); } });
    cy.on("mouseout", "node.case", function (event) { event.target.removeClass("at"); place.classList.remove("over"); if (said) { said.textContent = ""; } });
    document.addEventListener("qipan:theme", function () { cy.style().fromJson(style(data)).update(); });
    if (window.ResizeObserver) { new ResizeObserver(function () { cy.resize(); }).observe(place); }

    document.addEventListener("click", function (event) {
      var act = event.target.closest("[data-chains]");
      if (!act) { return; }
      if (act.dataset.chains === "in") { zoom(1.4); }
      if (act.dataset.chains === "out") { zoom(1 / 1.4); }
      if (act.dataset.chains === "fit") { fit(); }
      if (act.dataset.chains === "png") {
        // as large as a browser's canvas safely is
        var box = cy.elements().boundingBox();
        var link = document.createElement("a");
        link.href = URL.createObjectURL(cy.png({ output: "blob", full: true, scale: Math.min(2, 8000 / box.w, 8000 / box.h), bg: token("--bs-body-bg") || "#fff" }));
        link.download = "chains.png";
        link.click();
        window.setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
      }
    });

    // Finding a case here needs no new page.
    var find = document.getElementById("f-case");
    if (find) {
      find.addEventListener("input", function () {
        var wanted = find.value.trim().toLowerCase();
        cy.nodes(".chosen").removeClass("chosen");
        if (wanted.length < 2) { return; }
        var found = cy.nodes(".case").filter(function (node) { return node.data("label").toLowerCase().indexOf(wanted) >= 0; });
        found.addClass("chosen");
        if (said) { said.textContent = String(found.length); }
        if (found.length) { cy.zoom(Math.max(cy.zoom(), 0.8)); cy.center(found[0]); }
      });
    }
  }

  if (document.readyState === "loading") { document.addEventListener("DOMContentLoaded", start); } else { start(); }
})();
