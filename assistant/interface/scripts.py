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

# A choice by mouse comes twice within a moment: Gradio says it again when its list closes. The second is sent as nothing, for which nothing is read.
ONCE = """(name, ...rest) => {
  const now = performance.now(), again = window.chosen?.name === name && now - window.chosen.at < 300;
  window.chosen = {name, at: now};
  return [again ? null : name, ...rest];
}"""

# Gradio's short-lived messages are put in one plain sentence, which stays in the line of status nearest to what was done. Whatever takes its time to
# begin says so. And a lost connection: Gradio would load the page anew, and the patient with it would be gone. So what a visitor does is sent again until
# it arrives; an answer that was cut off, or fell silent, ends as an error does, and its question is in the box again.
CONNECTION = r"""() => {
  const LOST = "The connection to Breathwise is lost. Nothing on this page is: what you did is sent as soon as the connection is back.";
  const CUT = "The connection to Breathwise was lost in the middle of this. Nothing else was: do it once more.";
  const CUT_ANSWER = "The connection to Breathwise was lost in the middle of the answer. Nothing else was: your question is in the box, ask it once more.";
  const WAITING = "Waiting for Breathwise...", SENDING = "Sending the files...", UNDER_WAY = [WAITING, SENDING];
  const PATIENCE_MS = 300000, AGAIN_MS = 1500, SILENCE_MS = 40000, SOON_MS = 300;  // the server sends something every 15 s
  let cut = false;  // whether something was broken off and nothing was done since
  const PLACES = [["#library", "#library-said"], ["#talk", "#said"], ["#correct, #confirm", "#corrected"]];
  let near = "#status";  // the line of status beside what was done last
  for (const act of ["pointerdown", "keydown", "change", "drop"]) {
    document.addEventListener(act, event => { near = PLACES.find(([panel]) => event.target.closest?.(panel))?.[1] ?? "#status"; }, true);
  }
  // What is told stands beside the line's own words, which are hidden meanwhile (they are Gradio's to change) and come back when they change.
  const told = place => document.querySelector(`${place} > .bw-told`);
  const tell = (said, place = near) => {
    const home = document.querySelector(place), words = told(place) ?? document.createElement("p");
    if (!home) return;
    words.className = "bw-told"; words.textContent = said && !UNDER_WAY.includes(said) ? "\u26a0 " + said : said;
    home.append(words); home.toggleAttribute("data-told", Boolean(said));
  };
  for (const place of ["#status", "#said", "#library-said", "#corrected"]) {
    const home = document.querySelector(place);
    const own = node => (node.closest ? node : node.parentElement)?.closest(".prose, .md");
    if (home) new MutationObserver(seen => { if (seen.some(one => own(one.target))) tell("", place); })
      .observe(home, {childList: true, subtree: true, characterData: true});
  }
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
      if (said !== CUT && said !== CUT_ANSWER) tell(said);  // those were told when it happened
    }
  }).observe(document.body, {childList: true, subtree: true, characterData: true});

  const part = () => gradio_config.components.find(one => one.props.elem_id === "box").id;
  const question = body => {  // the question that a request sends, if it does
    try {
      const {fn_index, data} = JSON.parse(body), event = gradio_config.dependencies.find(one => one.id === fn_index);
      return event.outputs.includes(part()) && typeof data[0] === "string" ? data[0] : "";
    } catch { return ""; }
  };
  const put_back = text => {
    const box = document.querySelector("#box textarea, #box input");
    if (!box || box.value) return;
    Object.getOwnPropertyDescriptor(Object.getPrototypeOf(box), "value").set.call(box, text);
    box.dispatchEvent(new Event("input", {bubbles: true}));
  };

  const ask = window.fetch;
  const here = () => ask.call(window, location.pathname, {method: "HEAD", cache: "no-store"}).then(() => true, () => false);
  const sent = new Map();  // what was sent and is not over: its number -> {asked, place, begun}
  const early = new Map();  // what was heard of a number before its own answer came
  const begin = one => {
    one.begun = true;
    if (UNDER_WAY.includes(told(one.place)?.textContent)) tell("", one.place);
  };
  const whole = answer => {
    if (!answer.ok || !answer.body) return answer;
    const reader = answer.body.getReader(), bytes = new TextEncoder(), text = new TextDecoder();
    let rest = "";
    const hear = value => {
      const lines = (rest + text.decode(value, {stream: true})).split("\n");
      rest = lines.pop();
      for (const came of lines.filter(one => one.startsWith("data:"))) {
        const {msg, event_id} = JSON.parse(came.slice(5)), one = sent.get(event_id);
        if (one && msg.startsWith("process_")) begin(one);
        if (!one && event_id) early.set(event_id, msg);
        if (msg === "process_completed") sent.delete(event_id);
        if (msg === "close_stream") { sent.clear(); early.clear(); }
      }
    };
    const in_time = () => {
      let clock;
      const silent = new Promise((_, lost) => { clock = setTimeout(() => lost(new Error("silence")), SILENCE_MS); });
      return Promise.race([reader.read(), silent]).finally(() => clearTimeout(clock));
    };
    const body = new ReadableStream({
      async pull(out) {
        try {
          const {done, value} = await in_time();
          if (done) return out.close();
          hear(value);
          out.enqueue(value);
        } catch (error) {  // Gradio itself ends a stream when all is answered or stopped, and when the connection is lost
          if (error.name === "AbortError" && (!sent.size || await here())) return out.error(error);
          reader.cancel().catch(() => {});
          const broken = [...sent.values()], asked = broken.find(one => one.asked), said = asked ? CUT_ANSWER : CUT;
          for (const one of broken.length ? broken : [{place: near}]) tell(one.asked ? CUT_ANSWER : CUT, one.place);
          if (asked) put_back(asked.asked);
          sent.clear(); cut = true;
          for (const message of [{msg: "unexpected_error", message: said, success: false}, {msg: "close_stream"}])
            out.enqueue(bytes.encode(`\n\ndata: ${JSON.stringify(message)}\n\n`));
          out.close();
        }
      },
      cancel: why => reader.cancel(why),
    });
    return new Response(body, {status: answer.status, statusText: answer.statusText, headers: answer.headers});
  };
  window.fetch = async (where, how) => {
    const path = String(where?.url ?? where), until = performance.now() + PATIENCE_MS, joins = path.includes("/queue/join"), sends = /\/upload(\?|$)/.test(path);
    const one = {asked: joins ? question(how?.body) : "", place: near, begun: false};
    if (joins || sends) setTimeout(() => { if (!one.begun) tell(sends ? SENDING : WAITING, one.place); }, SOON_MS);
    for (let lost = cut && joins; ; lost = true) {
      try {
        const answer = await ask.call(window, where, how);
        if (lost) { tell("", one.place); cut = false; }
        if (sends || joins && !answer.ok) begin(one);
        if (joins && answer.ok) answer.clone().json().then(({event_id}) => {
          if (early.get(event_id) !== "process_completed") sent.set(event_id, one);
          if (early.get(event_id)?.startsWith("process_")) begin(one);
        }, () => {});
        return path.includes("/queue/data") ? whole(answer) : answer;
      } catch (error) {
        if (how?.signal?.aborted || error.name === "AbortError" || !/\/(queue\/(join|data)|run\/predict)/.test(path) || performance.now() > until) { begin(one); throw error; }
        one.begun = true;  // what is said of it from now on is that the connection is lost
        tell(LOST, one.place);
        await new Promise(done => setTimeout(done, AGAIN_MS));
      }
    }
  };
}"""


SCRIPT = f"() => {{ ({PAGE})(); ({CONNECTION})(); }}"
