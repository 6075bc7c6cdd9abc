"use strict";
// Narrows the timeline to what the form asks for. The address keeps it, so that it can be passed on.
(() => {
  const form = document.getElementById("filters");
  const fields = ["words", "verb", "status"].map((id) => document.getElementById(id));
  const items = [...document.querySelectorAll("main ol > li")];
  const texts = items.map((item) => item.textContent.toLowerCase());
  const sections = [...document.querySelectorAll("main section")];

  function narrow() {
    const [words, verb, status] = fields.map((field) => field.value);
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    items.forEach((item, place) => {
      const fits =
        (!verb || item.dataset.verb === verb) &&
        (!status || item.dataset.status === status) &&
        wanted.every((word) => texts[place].includes(word));
      item.hidden = !fits;
      count += fits ? 1 : 0;
    });
    for (const section of sections) {
      section.hidden = !section.querySelector("li:not([hidden])[data-status]");
    }
    document.getElementById("count").textContent = `${count} of ${items.length}`;
    document.getElementById("nothing").hidden = count > 0;
  }

  function remember() {
    const asked = new URLSearchParams();
    for (const field of fields) if (field.value) asked.set(field.id, field.value);
    history.replaceState(null, "", `#${asked}`);
  }

  function recall() {
    const asked = new URLSearchParams(location.hash.slice(1));
    for (const field of fields) field.value = asked.get(field.id) ?? "";
    narrow();
  }

  form.addEventListener("input", () => { narrow(); remember(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", recall);
  form.hidden = false;
  recall();
})();
