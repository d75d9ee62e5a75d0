import type { GeneName, GeneNames } from '../protocol/identity.ts'
import { nearNames } from './sources/near-names.ts'

/** What a name means: one gene by its position in var, several (their keys), or none. */
export type GeneMatch = { kind: 'one'; index: number } | { kind: 'several'; keys: string[] } | { kind: 'none' }

/** Past this many names the near ones are not looked for: comparing them all would block for seconds. */
const MAX_NEAR_NAMES = 200_000

/**
 * The names of all genes of one var table. A gene has an id (its var name), a label (the same, or a column of var such
 * as symbols), and a key that is unique: the id where that is unique, else `NAME (2 of 3)`. Case is ignored in search,
 * not in lookup.
 */
export class GeneIndex {
  readonly #ids: readonly string[]
  readonly #labels: readonly string[]
  readonly #keys: readonly string[]
  readonly #indexOfKey = new Map<string, number>()
  /** Names (ids and labels) that are not keys themselves, with the genes that bear them. */
  readonly #bearers = new Map<string, number[]>()
  readonly #shown: readonly string[]
  #lowerCase: { ids: string[]; labels: string[] } | null = null

  /**
   * @param ids var names, in order of var
   * @param labels one per gene, or `null` where ids are the labels; an empty label falls back to the id
   */
  constructor(ids: readonly string[], labels: readonly string[] | null = null) {
    this.#ids = ids
    this.#labels = labels === null ? ids : ids.map((id, i) => labels[i] || id)
    this.#keys = uniqueNames(ids)
    this.#shown = labels === null ? this.#keys : uniqueNames(this.#labels)
    this.#keys.forEach((key, i) => {
      this.#indexOfKey.set(key, i)
    })
    this.#addBearers(ids)
    if (labels !== null) this.#addBearers(this.#labels)
  }

  get size(): number {
    return this.#ids.length
  }

  get ids(): readonly string[] {
    return this.#ids
  }

  /** A key first, then a var name or label: never silently one of several. */
  find(name: string): GeneMatch {
    const index = this.#indexOfKey.get(name)
    if (index !== undefined) return { kind: 'one', index }
    const bearers = this.#bearers.get(name) ?? []
    const [only] = bearers
    if (only === undefined) return { kind: 'none' }
    return bearers.length === 1
      ? { kind: 'one', index: only }
      : { kind: 'several', keys: bearers.map((i) => this.#keys[i] ?? '') }
  }

  /** The unique key of the gene at a position in var: its label, as users like it, where that leads to no other gene. */
  keyAt(index: number): string {
    const label = this.#shown[index] ?? ''
    const found = this.find(label)
    return found.kind === 'one' && found.index === index ? label : (this.#keys[index] ?? '')
  }

  /**
   * Exact, then prefix, then substring matches of labels and ids, each by alphabet; an empty query lists var in order.
   * `total` counts all matches, `genes` holds at most `limit`.
   */
  search(query: string, limit: number): GeneNames {
    const asked = query.trim().toLowerCase()
    if (asked === '') return { total: this.size, genes: this.#names([...this.#ids.slice(0, limit).keys()]) }
    const { ids, labels } = this.#lower()
    const ranks: [number[], number[], number[]] = [[], [], []]
    for (let i = 0; i < ids.length; i++) {
      const rank = Math.min(matchRank(asked, labels[i] ?? ''), matchRank(asked, ids[i] ?? ''))
      ranks[rank]?.push(i)
    }
    const byAlphabet = (a: number, b: number) => compareTexts(labels[a] ?? '', labels[b] ?? '') || a - b
    const matches = ranks.flatMap((indices) => indices.sort(byAlphabet))
    return { total: matches.length, genes: this.#names(matches.slice(0, limit)) }
  }

  /** Names that may have been meant, nearest first. */
  near(name: string): string[] {
    if (this.size > MAX_NEAR_NAMES) return []
    return nearNames(name, new Set([...this.#labels, ...this.#ids]))
  }

  #names(indices: readonly number[]): GeneName[] {
    return indices.map((i) => ({ key: this.keyAt(i), label: this.#shown[i] ?? '', id: this.#ids[i] ?? '' }))
  }

  #addBearers(names: readonly string[]): void {
    names.forEach((name, i) => {
      if (this.#indexOfKey.has(name)) return
      const bearers = this.#bearers.get(name)
      if (bearers === undefined) this.#bearers.set(name, [i])
      else if (bearers.at(-1) !== i) bearers.push(i)
    })
  }

  /** Made at the first search: a dataset that is only looked at does not pay for it. */
  #lower(): { ids: string[]; labels: string[] } {
    this.#lowerCase ??= {
      ids: this.#ids.map((id) => id.toLowerCase()),
      labels: this.#labels.map((label) => label.toLowerCase()),
    }
    return this.#lowerCase
  }
}

/** Names that occur once stay; `NAME (2 of 3)` for the others, again until nothing is equal to a real name. */
function uniqueNames(names: readonly string[]): string[] {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  const seen = new Map<string, number>()
  const taken = new Set(counts.keys())
  return names.map((name) => {
    const count = counts.get(name) ?? 1
    if (count === 1) return name
    const place = (seen.get(name) ?? 0) + 1
    seen.set(name, place)
    let unique = `${name} (${place} of ${count})`
    while (taken.has(unique)) unique += '*'
    taken.add(unique)
    return unique
  })
}

/** 0 exact, 1 prefix, 2 substring, 3 no match. */
function matchRank(asked: string, name: string): number {
  if (!name.includes(asked)) return 3
  if (name === asked) return 0
  return name.startsWith(asked) ? 1 : 2
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
