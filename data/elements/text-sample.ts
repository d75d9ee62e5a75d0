import { MAX_CATEGORIES } from './categories.ts'

/** So many texts of a column are looked at: to count millions would take longer than the first picture. */
const SAMPLED_TEXTS = 1000
/** Short runs at places that look like chance: what repeats in a fixed order is met again. */
const RUN = 40
/** From the first row to the last, each of a few chunks of a file. */
const WINDOWS = 5
const RUNS_IN_WINDOW = SAMPLED_TEXTS / WINDOWS / RUN
/** In each of so many rows one run begins. */
const MAX_STRIDE = 2000
const SCATTER = 7919
/** One run of each window tells columns of a few categories, of which a table may have thousands. */
const FIRST_LOOK = WINDOWS * RUN
/** A handful of different texts can be told apart, however few the cells. */
const FEW_TEXTS = 20

/** Which rows of a column of texts are looked at; `_data/text_sample.py` has the same rules. */
export function sampledRuns(rowCount: number): (readonly [start: number, end: number])[] {
  if (rowCount <= SAMPLED_TEXTS) return [[0, rowCount]]
  const stride = Math.min(MAX_STRIDE, Math.floor((rowCount * RUN) / SAMPLED_TEXTS))
  const behind = rowCount - stride * RUNS_IN_WINDOW
  return Array.from({ length: WINDOWS * RUNS_IN_WINDOW }, (_, run) => {
    const window = Math.floor(((run % WINDOWS) * behind) / (WINDOWS - 1))
    const start = window + Math.floor(run / WINDOWS) * stride + ((run * run * SCATTER) % (stride - RUN + 1))
    return [start, start + RUN] as const
  })
}

/** What was found in those rows: how many there are, how many texts differ, and how many of these stand once and twice. */
export type TextSample = { looked: number; different: number; once: number; twice: number }

/** @param texts those that are not missing of the rows looked at */
export function sampleOf(texts: Iterable<string>, looked: number): TextSample {
  const counts = new Map<string, number>()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  const [once, twice] = [1, 2].map((times) => [...counts.values()].filter((count) => count === times).length)
  return { looked, different: counts.size, once: once ?? 0, twice: twice ?? 0 }
}

/** Whether the first runs were enough to see that few texts differ. */
export function areClearlyCategories(texts: readonly string[], looked: number): boolean {
  return looked === FIRST_LOOK && new Set(texts).size <= FIRST_LOOK / 4
}

/** Whether texts are mostly unique, as names of cells are: nothing to colour by. */
export function areIdentifiers(sample: TextSample, rowCount: number): boolean {
  return estimateDifferent(sample, rowCount) > Math.min(MAX_CATEGORIES, Math.max(rowCount / 2, FEW_TEXTS))
}

/**
 * How many different texts there are in all. Those found once tell how many were missed: by Chao's estimate of unseen
 * kinds (Scand. J. Statist. 11, 1984), and no more than if there are as many of them in every other part.
 */
function estimateDifferent({ looked, different, once, twice }: TextSample, rowCount: number): number {
  if (looked === 0) return 0
  const unseen = (once * (once - 1)) / (2 * (twice + 1))
  const elsewhere = (once * rowCount) / looked - once
  return different + Math.min(unseen, elsewhere)
}
