import type { GeneName, Identity, ObsField } from '../../protocol/identity.ts'
import type { Matrix } from '../../protocol/matrix.ts'
import { type Colorable, colorLabel, matrixLabel } from './colorable.ts'

/** One line under the search box. `by: null` is one colour for all cells. */
export type Suggestion = {
  group: 'Recent' | 'Fields' | 'Genes' | 'More fields'
  /** Shown; not unique. */
  label: string
  /** What tells two equal labels apart, or says what the line is. */
  detail: string
  by: Colorable | null
}

const KIND_NAMES: Readonly<Record<ObsField['kind'], string>> = {
  categorical: 'categories',
  continuous: 'values',
  date: 'dates',
  identifier: 'names',
  unsupported: 'cannot be shown',
}

/**
 * What the box offers for a query: fields that are it or begin with it, genes, fields that hold it. The empty query
 * lists the genes that coloured lately, all fields, and one colour for all; several names offer the mean of these genes.
 * @param genes as the server found them for this query or an earlier one; those that do not match are left out
 */
export function suggestionsFor(
  { identity, recent, matrix }: { identity: Identity; recent: readonly Colorable[]; matrix: Matrix },
  genes: readonly GeneName[],
  query: string,
): Suggestion[] {
  const fields = identity.obs
    .filter(({ kind }) => kind !== 'identifier' && kind !== 'unsupported')
    .map(({ key, kind }): Suggestion => {
      return { group: 'Fields', label: key, detail: KIND_NAMES[kind], by: { axis: 'obs', key } }
    })
  if (query === '') {
    const lately = recent.filter(({ axis }) => axis !== 'obs')
    return [
      ...lately.map((by): Suggestion => ({ group: 'Recent', label: colorLabel(by), detail: detailOf(by), by })),
      ...fields,
      { group: 'Fields', label: 'One colour for all', detail: '', by: null },
    ]
  }
  const near = fields.filter(({ label }) => matchRank(label, query) < HOLDS)
  const far = fields.filter(({ label }) => matchRank(label, query) === HOLDS)
  return [
    ...near.sort((a, b) => matchRank(a.label, query) - matchRank(b.label, query)),
    ...genes
      .filter(({ label, id }) => Math.min(matchRank(label, query), matchRank(id, query)) <= HOLDS)
      .map((gene) => ofGene(gene, matrix)),
    ...meanOf(genesIn(query), matrix),
    ...far.map((field): Suggestion => ({ ...field, group: 'More fields' })),
  ]
}

/** Fields whose categories can stand side by side, those that are the query or begin with it first. */
export function groupingsFor(keys: readonly string[], query: string): Suggestion[] {
  const ranked = keys.map((key) => ({ key, rank: query === '' ? 0 : matchRank(key, query) }))
  return ranked
    .filter(({ rank }) => rank <= HOLDS)
    .sort((a, b) => a.rank - b.rank)
    .map(({ key }) => ({ group: 'Fields', label: key, detail: '', by: { axis: 'obs', key } }))
}

/** The genes of a list, typed or pasted; one of several of the same name keeps its "(1 of 2)". */
export function genesIn(list: string): string[] {
  return list.split(/[\s,;]+(?!\(\d+ of|of \d+\)|\d+\))/).filter((key) => key !== '')
}

function meanOf(keys: readonly string[], matrix: Matrix): Suggestion[] {
  if (keys.length < 2) return []
  return [
    {
      group: 'Genes',
      label: `Mean of ${keys.length} genes`,
      detail: '',
      by: { axis: 'set', name: keys.join(' + '), keys, matrix },
    },
  ]
}

function ofGene({ key, label, id, matrix: only }: GeneName, matrix: Matrix): Suggestion {
  const details = [id === label ? [] : [id], only === undefined ? [] : [`only in ${matrixLabel(only)}`]].flat()
  return { group: 'Genes', label, detail: details.join(', '), by: { axis: 'var', key, matrix: only ?? matrix } }
}

function detailOf(by: Colorable): string {
  return by.axis === 'obs' ? '' : matrixLabel(by.matrix)
}

/** 0: is it, 1: begins with it, HOLDS: holds it, more: does not match. Upper and lower case are one. */
function matchRank(text: string, query: string): number {
  const [where, what] = [text.toLowerCase(), query.toLowerCase()]
  if (where === what) return 0
  if (where.startsWith(what)) return 1
  return where.includes(what) ? HOLDS : HOLDS + 1
}
const HOLDS = 2
