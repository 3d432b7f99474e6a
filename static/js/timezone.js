// The log-in form tells the zone of this browser, for members who have not chosen one; the menu names all zones.

for (const field of document.querySelectorAll("[data-time-zone]")) {
  field.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
}

function named(zone) {
  const option = document.createElement("option");
  option.value = zone;
  return option;
}

document.querySelector("[data-zones]")?.addEventListener("focus", ({ target }) => {
  if (!target.list.children.length) target.list.append(...Intl.supportedValuesOf("timeZone").map(named));
});
