// @ts-check
/** The lesson alone, as a page that needs no network. */
import { element } from "./dom.js";
import { makeLesson } from "./lesson.js";
import { STEPS } from "./text_frame.js";

{
  const page = /** @type {HTMLElement} */ (document.getElementById("page"));
  const data = JSON.parse(document.getElementById("data")?.textContent ?? "");
  const named = (/** @type {any[]} */ kinds) => Object.fromEntries(kinds.map((kind) => [kind.code, kind]));
  const families = { ...data, poolings: named(data.poolings), nonlinearities: named(data.nonlinearities) };
  const section = element("section", { id: "lesson" }, element("h2", { text: STEPS.title }));
  const heading = element("header", {}, element("h1", { text: STEPS.page }), element("p", { text: STEPS.pageAbout }));
  page.replaceChildren(heading, element("main", {}, section));
  const { to } = makeLesson(section, families, null);
  const follow = () => to(Number(/^#lesson\/([0-9]{1,3})$/.exec(location.hash)?.[1] ?? 1));
  addEventListener("hashchange", follow);
  follow();
}
