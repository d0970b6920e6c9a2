/** The report of one run. */
import type { Answer } from '../judge/index.ts';
import { classesSection, surenessSection } from './classes.ts';
import { confusionSection } from './confusion.ts';
import { curvesSection } from './curves.ts';
import { type Counts, dataSection } from './data.ts';
import { heatNote } from './heat.ts';
import { type Html, html, plain } from './html.ts';
import { mistakes } from './mistakes.ts';
import { pageText } from './page.ts';
import { dataName, resultHead } from './result.ts';
import type { RunRecord } from './run-record.ts';
import type { Section } from './section.ts';
import { deviceSection, settingsSection } from './settings.ts';
import { useSection } from './use.ts';
import type { View } from './views.ts';

export interface RunPage {
  readonly record: RunRecord;
  /** Of the wrong answers that are shown. */
  readonly views: ReadonlyMap<Answer, View>;
  /** Pictures by class and split, if they are known. */
  readonly counts: Counts | undefined;
  /** The run's folder in commands. */
  readonly folder: string;
  /** A sentence about pictures or heat maps that are missing. */
  readonly remark: string | undefined;
  /** A sentence about what became of the run's pictures. */
  readonly dataRemark: string | undefined;
}

/** @returns the HTML of report.html */
export async function runPage({ record, views, counts, folder, remark, dataRemark }: RunPage): Promise<string> {
  const { judgement } = record;
  const judged = judgement && [
    mistakes(judgement, views, remark),
    confusionSection(judgement),
    classesSection(judgement),
    surenessSection(judgement),
  ];
  const sections: (Section | undefined)[] = [
    ...(judged ?? []),
    await curvesSection(record),
    dataSection(record, counts, dataRemark),
    useSection(record, folder),
    settingsSection(record),
    deviceSection(record),
  ];
  const name = dataName(record);
  return pageText({
    title: `${name}: report of ${folder}`,
    head: resultHead(record, name),
    sections: sections.filter((section) => section !== undefined),
    foot: foot(record),
  });
}

function foot({ config, judgement }: RunRecord): Html {
  return html`${
    judgement &&
    html`${heatNote()}
    <p>The interval is Wilson's, of 95 %. It holds for more pictures of the same kind, not for pictures of another camera or place. Val also chose the best epoch, so its accuracy
    is a little too good.</p>`
  }
    <p>Written by dawngrad ${plain(config.dawngrad)}. This file holds everything it shows, and loads nothing.</p>`;
}
