import page from "../index.html?raw";

/** Puts the real page's body in the document, without the script and style of its head. */
export function openPage(): void {
  document.body.innerHTML = page.slice(page.indexOf("<body>") + "<body>".length, page.indexOf("</body>"));
}
