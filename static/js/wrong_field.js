// A form that came back takes the focus to the first field that is wrong.

document.querySelector(".field [aria-invalid=true]")?.focus();
