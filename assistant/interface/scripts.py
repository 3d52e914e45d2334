"""What runs in the page beside Gradio: nothing of it stores, and nothing asks of another address."""

from __future__ import annotations

# Runs in the page: tabs greet each other (the word alone, nothing of a patient, nothing stored), what changes is read aloud, and a chip opens
# its passage beside the chat: left of it where there is room, else at the foot. Closing, and Escape, go back to the chip.
PAGE = """() => {
  for (const id of ["status", "said", "library-said", "corrected"]) {
    const part = document.getElementById(id);
    if (part) { part.setAttribute("role", "status"); part.setAttribute("aria-live", "polite"); }
  }
  const channel = new BroadcastChannel("breathwise");
  channel.onmessage = event => {
    if (event.data === "opened") channel.postMessage("here");
    if (event.data !== "here" || document.getElementById("tabs")) return;
    const said = document.createElement("p");
    said.id = "tabs"; said.setAttribute("role", "status");
    said.textContent = "Breathwise is open in another tab too: each tab keeps a patient of its own.";
    document.getElementById("banner").append(said);
  };
  channel.postMessage("opened");

  const sheet = document.createElement("section");
  sheet.id = "passage"; sheet.hidden = true; sheet.tabIndex = -1;
  sheet.setAttribute("role", "dialog"); sheet.setAttribute("aria-label", "Passage");
  document.querySelector("main")?.append(sheet) ?? document.body.append(sheet);
  let open = "", opener = null;
  const source = () => document.querySelector(`article[data-passage="${CSS.escape(open)}"]`);
  const lay = () => {
    const chat = document.getElementById("talk").getBoundingClientRect(), room = chat.left - 24;
    const beside = room >= 300 && chat.top < innerHeight / 2;
    sheet.style.cssText = beside
      ? `top: ${Math.max(chat.top, 12)}px; left: ${Math.max(12, chat.left - 12 - Math.min(room, 440))}px; width: ${Math.min(room, 440)}px; max-height: 80vh`
      : "bottom: 10px; left: 10px; right: 10px; max-height: 60vh";
  };
  const shut = back => {
    const chip = back && (opener?.isConnected ? opener : document.querySelector(`a[href="#${CSS.escape(open)}"]`));
    sheet.hidden = true; sheet.replaceChildren(); open = ""; opener = null;
    if (back) (chip || document.querySelector("#box textarea, #box input")).focus();
  };
  document.addEventListener("click", event => {
    const link = event.target.closest('a[href^="#passage="]');
    if (!link) return;
    event.preventDefault(); event.stopPropagation();
    open = link.getAttribute("href").slice(1); opener = link;
    const found = source();
    if (!found) return;
    const close = document.createElement("button");
    close.type = "button"; close.textContent = "Close"; close.onclick = () => shut(true);
    sheet.replaceChildren(close, ...[...found.children].map(part => part.cloneNode(true)));
    sheet.hidden = false; lay(); sheet.scrollTop = 0; close.focus();
  }, true);
  document.addEventListener("keydown", event => { if (event.key === "Escape" && !sheet.hidden) shut(true); });
  addEventListener("resize", () => { if (!sheet.hidden) lay(); });
  const watch = new MutationObserver(() => { if (!sheet.hidden && !source()) shut(false); });  // a deleted patient's citations go too
  for (const id of ["shelf", "found"]) { const part = document.getElementById(id); if (part) watch.observe(part, {childList: true, subtree: true}); }
}"""

# Gradio's short-lived messages are put in one plain sentence, which stays in the line of status. And a lost connection: Gradio would load the page
# anew, and the patient with it would be gone. So what a visitor does is sent again until it arrives, and an answer that was cut off ends as an error does.
CONNECTION = r"""() => {
  let cut = false;  // whether something was broken off and nothing was done since
  const tell = (said, over) => {
    const line = document.createElement("p");
    line.textContent = said && "\u26a0 " + said;
    document.querySelector("#status .md, #status .prose")?.replaceChildren(line);
    if (over) document.querySelector("#said .md, #said .prose")?.replaceChildren();
  };
  const LOST = "The connection to Breathwise is lost. Nothing on this page is: what you did is sent as soon as the connection is back.";
  const CUT = "The connection to Breathwise was lost in the middle of this. Nothing else was: do it once more.";
  const words = [
    [/^HTTP \d+: /, ""],
    [/^File\(s\) exceed the maximum allowed size of ([\d.]+) Mb: (.+)$/, (_, most, files) => `${files} is larger than the ${parseFloat(most)} MB that are taken; drop a smaller file.`],
    [/^.*(Failed to fetch|errored out|NetworkError|network error|Load failed).*$/is, "The connection to Breathwise was lost: try again."],
    [/^.*queue is full.*$/is, "Too many people ask at this moment; ask again in a minute."],
  ];
  const heard = new WeakMap();
  new MutationObserver(() => {
    for (const part of document.querySelectorAll('[data-testid="toast-text"]')) {
      const came = part.textContent.trim();
      if (!came || heard.get(part) === came) continue;
      const said = words.reduce((text, [from, to]) => text.replace(from, to), came);
      if (said !== came) part.textContent = said;
      heard.set(part, said);
      if (said !== CUT) tell(said);  // that was told when it happened
    }
  }).observe(document.body, {childList: true, subtree: true, characterData: true});

  const PATIENCE_MS = 300000, AGAIN_MS = 1500;
  const ask = window.fetch;
  const here = () => ask.call(window, location.pathname, {method: "HEAD", cache: "no-store"}).then(() => true, () => false);
  const whole = answer => {
    if (!answer.ok || !answer.body) return answer;
    const reader = answer.body.getReader(), bytes = new TextEncoder(), text = new TextDecoder();
    let busy = false;  // whether something is being answered
    const last = (part, ...names) => Math.max(...names.map(name => part.lastIndexOf(name)));
    const body = new ReadableStream({
      async pull(out) {
        try {
          const {done, value} = await reader.read();
          if (done) return out.close();
          const part = text.decode(value, {stream: true});
          const goes = last(part, "process_starts", "process_generating"), ends = last(part, "process_completed", "close_stream");
          if (goes >= 0 || ends >= 0) busy = goes > ends;
          out.enqueue(value);
        } catch (error) {  // Gradio itself ends a stream when all is answered or stopped, and when the connection is lost
          if (error.name === "AbortError" && (!busy || await here())) return out.error(error);
          tell(CUT, cut = true);
          for (const message of [{msg: "unexpected_error", message: CUT, success: false}, {msg: "close_stream"}])
            out.enqueue(bytes.encode(`\n\ndata: ${JSON.stringify(message)}\n\n`));
          out.close();
        }
      },
      cancel: why => reader.cancel(why),
    });
    return new Response(body, {status: answer.status, statusText: answer.statusText, headers: answer.headers});
  };
  window.fetch = async (where, how) => {
    const path = String(where?.url ?? where), until = performance.now() + PATIENCE_MS;
    for (let lost = cut && path.includes("/queue/join"); ; lost = true) {
      try {
        const answer = await ask.call(window, where, how);
        if (lost) { tell(""); cut = false; }
        return path.includes("/queue/data") ? whole(answer) : answer;
      } catch (error) {
        if (how?.signal?.aborted || error.name === "AbortError" || !/\/queue\/(join|data)/.test(path) || performance.now() > until) throw error;
        tell(LOST);
        await new Promise(done => setTimeout(done, AGAIN_MS));
      }
    }
  };
}"""


SCRIPT = f"() => {{ ({PAGE})(); ({CONNECTION})(); }}"
