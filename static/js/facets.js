// Groups of facets stay folded or open as they were left in this browser, whatever the project and the list; one of
// which a value is asked for is open. Only what somebody clicks is kept: a browser opens them too, to show what it found.

const KEPT = "facets";
const kept = () => JSON.parse(localStorage.getItem(KEPT) ?? "{}");

function show() {
  const left = kept();
  for (const group of document.querySelectorAll("[data-facet]")) {
    if (group.dataset.facet in left && !group.querySelector("[aria-current]")) group.open = left[group.dataset.facet];
  }
}

document.addEventListener("click", ({ target }) => {
  const group = target.closest("summary")?.parentElement;
  if (!group?.matches("[data-facet]")) return;
  localStorage.setItem(KEPT, JSON.stringify({ ...kept(), [group.dataset.facet]: !group.open }));
});
document.addEventListener("htmx:afterSwap", show);
addEventListener("pageshow", show);
show();
