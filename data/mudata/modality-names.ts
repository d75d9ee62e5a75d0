import type { GeneNamesOf } from '../anndata/anndata-reader.ts'

/** A part of one modality, under the name that users know it by. `from` null: of the MuData itself. */
export type Named<Part extends { key: string }> = Part & {
  from: string | null
  /** Its name where it stands. */
  own: string
  /** Other names that mean it, where they mean nothing else. */
  aliases: string[]
  /** Of a column that mudata pulled into `mdata.obs`: where it comes from. */
  source: { modality: string; key: string } | null
}

/** As mudata names a modality's column in `mdata.obs`. */
export function qualified(modality: string, name: string): string {
  return `${modality}:${name}`
}

/**
 * Parts of a MuData and of its modalities as one list of unique names: the MuData's own first, as they are. A modality's
 * part keeps its name where no other has it, else it is `rna:name`; what `mdata.obs` holds under that very name already,
 * pulled from the modality, is not listed twice.
 */
export function namedParts<Part extends { key: string }>(
  own: readonly Part[],
  modalities: readonly { name: string; parts: readonly Part[] }[],
): Named<Part>[] {
  const counts = new Map<string, number>()
  const all = [...own, ...modalities.flatMap(({ parts }) => parts)]
  for (const { key } of all) counts.set(key, (counts.get(key) ?? 0) + 1)
  const known = new Set(own.map(({ key }) => key))
  const inModalities = modalities.flatMap(({ name, parts }) =>
    parts
      .filter(({ key }) => !known.has(qualified(name, key)))
      .map((part) => {
        const long = qualified(name, part.key)
        const isUnique = counts.get(part.key) === 1 && !known.has(part.key)
        const [key, alias] = isUnique ? [part.key, long] : [long, part.key]
        return { ...part, key, from: name, own: part.key, aliases: [alias], source: null }
      }),
  )
  const inAll = own.map((part) => {
    const source = sourceOf(part.key, modalities)
    return { ...part, from: null, own: part.key, aliases: source === null ? [] : [source.key], source }
  })
  return [...inAll, ...inModalities]
}

function sourceOf(key: string, modalities: readonly { name: string; parts: readonly { key: string }[] }[]) {
  for (const { name, parts } of modalities) {
    const part = parts.find((each) => qualified(name, each.key) === key)
    if (part !== undefined) return { modality: name, key: part.key }
  }
  return null
}

/** Names of the genes of one modality, in order; `others`: names of its genes in its other table. */
export type ModalityGenes = {
  name: string
  ids: readonly string[]
  labels: readonly string[] | null
  others: readonly string[]
}

/**
 * Genes of all modalities, one after the other: `CD3` where one modality has it, else `rna:CD3` and `prot:CD3`. Their
 * ids are those long names, and each is found by its bare name where that means no other.
 */
export function namedGenes(modalities: readonly ModalityGenes[]): GeneNamesOf {
  const holders = new Map<string, string | null>()
  const shown = modalities.map((each) => ({
    ...each,
    labels: each.labels === null ? each.ids : each.ids.map((id, i) => each.labels?.[i] || id),
  }))
  for (const { name, labels, ids, others } of shown) {
    for (const text of [labels, ids, others].flat()) {
      holders.set(text, !holders.has(text) || holders.get(text) === name ? name : null)
    }
  }
  const isClear = (name: string, label: string) => holders.get(label) === name
  return {
    ids: shown.flatMap(({ name, ids }) => ids.map((id) => qualified(name, id))),
    labels: shown.flatMap(({ name, labels }) =>
      labels.map((label) => (isClear(name, label) ? label : qualified(name, label))),
    ),
    bare: [shown.flatMap(({ labels }) => [...labels]), shown.flatMap(({ ids }) => [...ids])],
  }
}
