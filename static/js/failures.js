// When a part of the page cannot be fetched, its place says so. What stood there stays.

const WORDS = new Map([
  [403, "You are not allowed to see it. Log in again, or ask an administrator of the project."],
  [404, "It is not there any more."],
  [503, "The database did not answer. Try again in a moment."],
]);

function notice(text) {
  const box = document.createElement("div");
  const words = document.createElement("div");
  const title = document.createElement("strong");
  const cure = document.createElement("p");
  box.className = "notice notice--bad notice--failure";
  box.setAttribute("role", "alert");
  title.textContent = "This part could not be loaded";
  cure.textContent = text;
  words.append(title, cure);
  box.append(words);
  return box;
}

function show(event, text) {
  const place = event.detail.target;
  place.querySelector(":scope > .notice--failure")?.remove();
  place.prepend(notice(text));
}

document.addEventListener("htmx:responseError", (event) => {
  const { status } = event.detail.xhr;
  show(event, WORDS.get(status) ?? `The server answered ${status}. Load the page again.`);
});
document.addEventListener("htmx:sendError", (event) => show(event, "The server cannot be reached. Try again in a moment."));
