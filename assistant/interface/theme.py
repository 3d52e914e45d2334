"""How the page looks: quiet, legible, light and dark, from 390 pixels up."""

from __future__ import annotations

from typing import Any

CSS = """
.gradio-container {max-width: 1480px !important; margin: 0 auto;}
#bw-head {display: flex; align-items: center; gap: .8rem; padding: .2rem 0;} #bw-head svg {width: 46px; height: 46px; flex: none;}
#bw-head h1 {margin: 0; font-size: 1.5rem; line-height: 1.2;} #bw-head p {margin: 0; opacity: .8;}
#banner, #cure {border-left: 4px solid #D55E00; padding: .5rem .9rem; border-radius: 4px; background: color-mix(in srgb, #D55E00 9%, transparent);}
#banner p, #cure p {margin: 0;} #tabs {font-weight: 600;}
.bw-card {background: var(--block-background-fill); border: 1px solid var(--border-color-primary); border-radius: 8px; padding: .7rem .9rem;}
.bw-card ol {margin: .2rem 0 .2rem 1.3rem; padding: 0;} .bw-card ol li {margin: .3rem 0;}
.bw-card h3 {margin: .1rem 0 .4rem; font-size: 1.02rem;} .bw-card .scroll + h3, .bw-card p + h3 {margin-top: .8rem;}
.bw-card dl {display: grid; grid-template-columns: minmax(9rem, max-content) 1fr; gap: .15rem .9rem; margin: 0;}
.bw-card dt {opacity: .8;} .bw-card dd {margin: 0; font-variant-numeric: tabular-nums;}
.bw-card ul {margin: .2rem 0 .2rem 1.1rem; padding: 0;} .bw-card li {margin: .15rem 0;}
.bw-card table {border-collapse: collapse; width: 100%; border: 0 !important; font-variant-numeric: tabular-nums;}
.bw-card tr, .bw-card th, .bw-card td {border: 0 !important; background: none !important;}
.bw-card th, .bw-card td {text-align: right; padding: .28rem .55rem; border-bottom: 1px solid var(--border-color-primary) !important;}
.bw-card th {font-weight: 600; opacity: .8;} .bw-card tr:last-child td {border-bottom: 0 !important;}
.bw-card th:first-child, .bw-card td:first-child {text-align: left;}
.bw-card .low {font-weight: 650; color: #B8470A;} .dark .bw-card .low {color: #FF9A5C;}
.bw-card .scroll {overflow-x: auto; contain: inline-size;}
.bw-card pre {white-space: pre-wrap; overflow-wrap: anywhere;}
.bw-down {display: none;}
#status {min-height: 1.6rem; padding: 0 .2rem;} #status p {margin: 0;}
#report {gap: .4rem; flex-wrap: wrap; align-items: center;} #report::before {content: "Report"; font-weight: 600; padding: 0 .3rem;}
#report button {flex: 1 1 4rem;}
#delete {color: #B3261E; background: none; border: 1px solid currentColor;} .dark #delete {color: #FFB4AB;}
#suggestions button {white-space: normal; text-align: left;}
#talk details {border: 1px solid var(--border-color-primary); border-radius: 8px; padding: .25rem .6rem; margin: .3rem 0; font-size: .92em;}
#talk summary, .bw-card summary {cursor: pointer; font-weight: 600;}
#reckoning {min-height: 1.4rem;} #reckoning p {margin: 0;}
:focus-visible {outline: 2px solid #0072B2 !important; outline-offset: 2px;} .dark :focus-visible {outline-color: #56B4E9 !important;}
@media (min-width: 900px) {#talk {position: sticky; top: .6rem; align-self: flex-start;}}
@media (max-width: 899px) {.bw-down {display: inline-block; margin-top: .4rem; text-decoration: underline;}}
@media (max-width: 640px) {
  .bw-card th, .bw-card td {padding: .25rem .3rem; font-size: .86rem;}
  .bw-card dl {grid-template-columns: minmax(7rem, 45%) 1fr;}
}
@media (prefers-reduced-motion: reduce) {* {animation: none !important; transition: none !important;}}
#talk button.icon-button[title="Clear"] {display: none;}  /* it would empty the picture of the conversation, not the conversation */
footer {display: none !important;}
"""

# Runs in the page: tabs greet each other (the word alone, nothing of a patient, nothing stored), and what changes is read aloud.
SCRIPT = """() => {
  for (const id of ["status"]) { const part = document.getElementById(id); if (part) { part.setAttribute("role", "status"); part.setAttribute("aria-live", "polite"); } }
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
}"""


def theme() -> Any:
    import gradio as gr

    fonts = ["system-ui", "Segoe UI", "Roboto", "sans-serif"]
    soft = gr.themes.Soft(primary_hue="blue", neutral_hue="slate", font=fonts, font_mono=["ui-monospace", "monospace"])
    quiet = {
        f"{part}_{what}": value
        for part in ("block_label", "block_title")
        for what, value in (("background_fill", "transparent"), ("text_color", "*body_text_color"))
    }
    dark = {f"{name}_dark": value for name, value in quiet.items()}
    return soft.set(
        **quiet, **dark, block_label_border_width="0px", block_label_shadow="none", body_background_fill="*neutral_50", body_background_fill_dark="*neutral_950"
    )
