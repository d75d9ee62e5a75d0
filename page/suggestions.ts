import type { GeneName, Identity, ObsField } from '../protocol/identity.ts'
import type { ColorBy } from '../protocol/state.ts'

/** One line under the search box. `by: null` is one colour for all cells. */
export type Suggestion = {
  group: 'Fields' | 'Genes'
  /** Shown; not unique. */
  label: string
  /** What tells two equal labels apart, or says what the line is. */
  detail: string
  by: ColorBy | null
}

const KIND_NAMES: Readonly<Record<ObsField['kind'], string>> = {
  categorical: 'categories',
  continuous: 'values',
  date: 'dates',
  identifier: 'names',
  unsupported: 'cannot be shown',
}

/** The obs fields that match: exact, then prefix, then substring. The empty query lists all, and "one colour". */
export function fieldSuggestions(identity: Identity, query: string): Suggestion[] {
  const fields = identity.obs
    .filter(({ kind }) => kind === 'categorical' || kind === 'continuous')
    .map(({ key, kind }): Suggestion => {
      return { group: 'Fields', label: key, detail: KIND_NAMES[kind], by: { axis: 'obs', key } }
    })
  if (query !== '') return ranked(fields, query)
  return [...fields, { group: 'Fields', label: 'One colour for all', detail: '', by: null }]
}

export function geneSuggestions(genes: readonly GeneName[]): Suggestion[] {
  return genes.map(({ key, label, id }) => {
    return { group: 'Genes', label, detail: id === label ? '' : id, by: { axis: 'var', key, layer: null } }
  })
}

function ranked(suggestions: readonly Suggestion[], query: string): Suggestion[] {
  const wanted = query.toLowerCase()
  const rank = ({ label }: Suggestion) => {
    const text = label.toLowerCase()
    if (text === wanted) return 0
    if (text.startsWith(wanted)) return 1
    return text.includes(wanted) ? 2 : 3
  }
  return suggestions.filter((suggestion) => rank(suggestion) < 3).sort((a, b) => rank(a) - rank(b))
}
