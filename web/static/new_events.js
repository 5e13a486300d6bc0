// Says what has come since a page was made, and leads to it; nothing on the page moves by itself.
let stream;

function listen() {
  stream?.close();
  const line = document.querySelector("[data-new-events]");
  if (!line || document.hidden) return;
  stream = new EventSource(line.dataset.newEvents); // ends with each answer, and asks again by itself
  stream.onmessage = ({ data }) => {
    if (line.textContent === data) return; // is read aloud once
    const link = document.createElement("a");
    link.href = location.pathname + location.search;
    link.textContent = data;
    line.replaceChildren(link);
  };
}

document.addEventListener("visibilitychange", listen); // a hidden page asks nothing
document.addEventListener("htmx:afterSettle", listen); // the line came or went with the content
listen();
