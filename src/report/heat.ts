/** What a page says about its heat maps. */
import { type Html, html } from './html.ts';

/** A link to what the maps are. */
export const heatLink: Html = html`<a href="#note-grad-cam">Grad-CAM</a>`;

export function heatScale(): Html {
  return html`<p class="scale"><span>spoke little for the answer</span><span class="ramp" aria-hidden="true"></span><span>spoke most</span></p>`;
}

/** For the foot of the page. */
export function heatNote(): Html {
  return html`<p id="note-grad-cam">Grad-CAM (Selvaraju et al., 2017) weighs the channels of the network's last map by how much the answer's score
    grows with each, and adds them. Bright places spoke for the answer, compared with the other places of the same picture; the map has
    few, coarse places.</p>`;
}
