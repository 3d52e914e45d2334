"""How the page looks: quiet, legible, light and dark, from 390 pixels up."""

from __future__ import annotations

from typing import Any

CSS = """
.gradio-container {max-width: 1520px !important; margin: 0 auto;}
.gradio-container .html-container {padding: 0 !important;}
#bw-head {display: flex; align-items: center; gap: .8rem; padding: .2rem 0;} #bw-head svg {width: 42px; height: 42px; flex: none;}
#bw-head h1 {margin: 0; font-size: 1.4rem; line-height: 1.2;} #bw-head p {margin: 0; opacity: .85;}
#banner, #cure {border-left: 4px solid #D55E00; padding: .5rem .9rem; border-radius: 4px; background: color-mix(in srgb, #D55E00 9%, transparent);}
#banner p, #cure p {margin: 0;} #tabs {font-weight: 600;}
.bw-card {background: var(--block-background-fill); border: 1px solid var(--border-color-primary); border-radius: 8px; padding: .7rem .9rem;}
.bw-card ol {margin: .2rem 0 .2rem 1.3rem; padding: 0;} .bw-card ol li {margin: .3rem 0;}
.bw-card h2, #passage h2 {margin: .1rem 0 .4rem; font-size: 1.02rem; font-weight: 650;} .bw-card .scroll + h2, .bw-card p + h2 {margin-top: .8rem;}
.bw-card dl, #passage dl {display: grid; grid-template-columns: minmax(9rem, max-content) 1fr; gap: .15rem .9rem; margin: 0;}
.bw-card dt, #passage dt {opacity: .85;} .bw-card dd, #passage dd {margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere;}
.bw-card ul {margin: .2rem 0 .2rem 1.1rem; padding: 0;} .bw-card li {margin: .15rem 0;}
.bw-card table {border-collapse: collapse; width: 100%; border: 0 !important; font-variant-numeric: tabular-nums;}
.bw-card tr, .bw-card th, .bw-card td {border: 0 !important; background: none !important;}
.bw-card th, .bw-card td {text-align: right; padding: .28rem .55rem; border-bottom: 1px solid var(--border-color-primary) !important;}
.bw-card th {font-weight: 600; opacity: .85;} .bw-card tr:last-child td {border-bottom: 0 !important;}
.bw-card th:first-child, .bw-card td:first-child {text-align: left;}
.bw-card .low {font-weight: 650; color: #A83E06;} .dark .bw-card .low {color: #FF9A5C;}
.bw-card .scroll {overflow-x: auto; contain: inline-size;}
.bw-card pre {white-space: pre-wrap; overflow-wrap: anywhere;}
#findings, #talk, #findings > .column {gap: .75rem;}
#patient .bw-card, #blows .bw-card, #risks .bw-card, #seen .bw-card, #library .bw-card {border: 0; padding: .1rem 0; background: none;}
.label-wrap > span:first-child {font-weight: 600;}
#loop, #spirogram, #bars, #trend, #risk-bars, #fields, #stretches {padding: .5rem;} #arrival button .icon-wrap {display: none;}
.bw-down {display: none;} .bw-found a {font-weight: 600; text-decoration: underline;} .bw-found b {font-weight: 600; opacity: .85;}
#status, #said, #library-said {min-height: 1.5rem; padding: 0 .2rem;} #said, #status {margin: -.2rem 0;} #corrected {padding: 0 .2rem;}
#status p, #said p, #library-said p, #corrected p {margin: 0;}
[data-testid="status-tracker"] {display: none !important;}  /* it would cover a panel with "Error"; what is under way or went wrong stands in the lines of status */
[data-told] > :not(.bw-told), .bw-told:empty {display: none !important;}
#report {gap: .4rem; flex-wrap: wrap; align-items: center;} #report::before {content: "Report"; font-weight: 600; padding: 0 .3rem;}
#report button {flex: 1 1 4rem;}
#delete {color: #B3261E; background: none; border: 1px solid currentColor;} .dark #delete {color: #FFB4AB;}
#suggestions, #controls {gap: .5rem;} #controls button {flex: 1 1 auto; min-width: 0 !important; padding-inline: .4rem;} #suggestions {display: grid; grid-template-columns: repeat(auto-fit, minmax(max(200px, 40%), 1fr));} #suggestions button {white-space: normal; text-align: left;}
a.bw-cite {text-decoration: none; font-weight: 650;} a.bw-cite:hover {text-decoration: underline;}
a.bw-chip {display: inline-block; margin: .15rem .1rem; padding: .1rem .6rem; border: 1px solid currentColor; border-radius: 999px; font-size: .88em;
  text-decoration: none; line-height: 1.6;}
a.bw-chip:hover {text-decoration: underline;}
#chat a.bw-cite, #chat a.bw-chip, .bw-found a, .bw-down {color: #00588A !important;}
.dark #chat a.bw-cite {color: #8CCBF2 !important;} .dark #chat a.bw-chip {color: #8CCBF2 !important;}  /* Gradio knows .dark only in front of a whole list */
.dark .bw-found a {color: #8CCBF2 !important;} .dark .bw-down {color: #8CCBF2 !important;}
#passage {position: fixed; z-index: 50; box-sizing: border-box; font-family: var(--font); overflow: auto; background: var(--background-fill-primary); color: var(--body-text-color);
  border: 1px solid var(--border-color-primary); border-radius: 10px; box-shadow: 0 8px 30px rgb(0 0 0 / .22); padding: .9rem 1.1rem; line-height: 1.5;}
#passage[hidden] {display: none;} #passage h2 {margin-right: 4.6rem;} #passage p {margin: .3rem 0 .7rem;}
#passage dl {grid-template-columns: max-content 1fr; font-size: .9rem; border-top: 1px solid var(--border-color-primary); padding-top: .6rem;}
#passage button {background: var(--background-fill-primary); color: inherit; cursor: pointer; font-family: inherit; position: absolute; top: .7rem; right: .8rem; border: 1px solid currentColor; border-radius: 6px; padding: .1rem .7rem; font-size: .9rem;}
#heading h2 {margin: 0 .2rem -.35rem; font-size: 1.02rem; font-weight: 650;} #chat .top-panel {display: none;}
#chat .message-buttons-right:has(~ .user-row) button[aria-label="Edit"] {display: none;}  /* the last question alone can be changed */
#chat button[title="Clear"] {display: none;}  /* it would empty the picture of the conversation, not the conversation */
.bw-card summary {cursor: pointer; font-weight: 600;}
#reckoning {min-height: 1.4rem;} #reckoning p {margin: 0;}
:focus-visible {outline: 2px solid #0072B2 !important; outline-offset: 2px;} .dark :focus-visible {outline-color: #56B4E9 !important;}
@media (min-width: 900px) {#talk {position: sticky; top: .6rem; align-self: flex-start;}}
@media (max-width: 899px) {.bw-down {display: inline-block; margin-top: .4rem; text-decoration: underline;}}
@media (max-width: 640px) {
  .column:has(> #banner) {margin-inline: -18px; width: calc(100% + 36px) !important; max-width: none !important;}  /* Gradio leaves 32 px at each side */
  .bw-card {padding: .6rem .65rem;} .bw-card th, .bw-card td {padding: .25rem .22rem; font-size: .84rem;} .bw-card th {font-size: .74rem;} .bw-card td:first-child {white-space: nowrap;}
  .bw-card dl {grid-template-columns: minmax(7rem, 45%) 1fr;}
}
@media (prefers-reduced-motion: reduce) {* {animation: none !important; transition: none !important;}}
footer {display: none !important;}
"""


def theme() -> Any:
    import gradio as gr

    fonts = ["system-ui", "Segoe UI", "Roboto", "sans-serif"]
    blue = gr.themes.Color("#EFF7FC", "#D9ECF8", "#B5DAF1", "#83C1E7", "#4BA3D9", "#0072B2", "#00659E", "#005689", "#004770", "#003A5C", "#00263D", name="blue")
    soft = gr.themes.Soft(primary_hue=blue, secondary_hue=blue, neutral_hue="slate", font=fonts, font_mono=["ui-monospace", "monospace"])
    quiet = {
        f"{part}_{what}": value
        for part in ("block_label", "block_title")
        for what, value in (("background_fill", "transparent"), ("text_color", "*body_text_color"))
    }
    dark = {f"{name}_dark": value for name, value in quiet.items()}
    return soft.set(
        **quiet, **dark, block_label_border_width="0px", block_label_shadow="none", body_background_fill="*neutral_50", body_background_fill_dark="*neutral_950",
        button_primary_background_fill="#0072B2", button_primary_background_fill_hover="#005689", button_primary_background_fill_dark="#0072B2",
        button_primary_background_fill_hover_dark="#00659E", button_primary_text_color="white", button_primary_text_color_dark="white",
        button_border_width="1px", checkbox_border_color="*neutral_500", checkbox_border_color_dark="*neutral_400", button_border_width_dark="1px", button_secondary_border_color="*neutral_300", button_secondary_border_color_dark="*neutral_600",
        block_shadow="none", block_border_width="1px", block_radius="8px", button_secondary_shadow="none", button_primary_shadow="none",
        input_placeholder_color="*neutral_500", input_placeholder_color_dark="*neutral_400", body_text_color_subdued="*neutral_600", body_text_color_subdued_dark="*neutral_300",
    )  # fmt: skip
