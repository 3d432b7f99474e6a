// What every page loads. A page works without any of it.
import "./keys.js";
import "./rows.js";
import "./palette.js";
import "./copy.js";
import "./enter.js";
import "./menus.js";
import "./failures.js";
import "./health.js";
import "./timezone.js";
import "./wrong_field.js";
