import type { GeneName, GeneNames } from '../../protocol/identity.ts'
import { nearNames } from '../near-names.ts'

/** What a name means: one gene by its position in var, several (their keys), or none. */
export type GeneMatch = { kind: 'one'; index: number } | { kind: 'several'; keys: string[] } | { kind: 'none' }

/** Past this many names the near ones are not looked for: comparing them all would block for seconds. */
const MAX_NEAR_NAMES = 200_000

/**
 * What a column of symbols makes of a name, as scanpy's `gene_symbols`: a var name is itself, also where it is another
 * gene's symbol; else the first row of var with this symbol is meant.
 */
export class GeneSymbols {
  readonly #ids: ReadonlySet<string>
  /** Symbol → var name of its first row. */
  readonly #firstIds = new Map<string, string>()

  /** @param ids var names, also for the genes of raw: scanpy looks symbols up in var alone */
  constructor(ids: readonly string[], symbols: readonly string[]) {
    this.#ids = new Set(ids)
    ids.forEach((id, i) => {
      const symbol = symbols[i]
      if (symbol !== undefined && !this.#firstIds.has(symbol)) this.#firstIds.set(symbol, id)
    })
  }

  /** @returns a var name; `null`: it is neither var name nor symbol */
  idOf(name: string): string | null {
    return this.#ids.has(name) ? name : (this.#firstIds.get(name) ?? null)
  }
}

/**
 * The names of all genes of one var table. A gene has an id (its var name), a label (the same, or its symbol), and a key
 * that is unique: the id where that is unique, else `NAME (2 of 3)`. Case is ignored in search, not in lookup.
 */
export class GeneIndex {
  readonly #ids: readonly string[]
  readonly #labels: readonly string[]
  readonly #keys: readonly string[]
  readonly #indexOfKey = new Map<string, number>()
  /** Ids that are no keys, with the genes that bear them. */
  readonly #bearers = new Map<string, Set<number>>()
  readonly #shown: readonly string[]
  readonly #symbols: GeneSymbols | null
  #lowerCase: { ids: string[]; labels: string[] } | null = null

  /**
   * @param ids var names, in order of var
   * @param labels one per gene, or `null` where ids are the labels; an empty label falls back to the id
   * @param symbols by which names are looked up beside ids, where those are not the labels
   * @param bare lists of names, one per gene each, that several genes may share
   */
  constructor(
    ids: readonly string[],
    labels: readonly string[] | null = null,
    symbols: GeneSymbols | null = labels === null ? null : new GeneSymbols(ids, labels),
    bare: readonly (readonly string[])[] = [],
  ) {
    this.#symbols = symbols
    this.#ids = ids
    this.#labels = labels === null ? ids : ids.map((id, i) => labels[i] || id)
    // An id that only raw has may be the symbol of another gene.
    this.#keys = uniqueNames(ids).map((key) => ((symbols?.idOf(key) ?? key) === key ? key : `${key} (id)`))
    this.#shown = labels === null ? this.#keys : uniqueNames(this.#labels)
    this.#keys.forEach((key, i) => {
      this.#indexOfKey.set(key, i)
    })
    for (const names of [ids, ...bare]) this.#addBearers(names)
  }

  get size(): number {
    return this.#ids.length
  }

  get ids(): readonly string[] {
    return this.#ids
  }

  /** In order of var, not unique; the ids where there are no others. */
  get labels(): readonly string[] {
    return this.#labels
  }

  get symbols(): GeneSymbols | null {
    return this.#symbols
  }

  /** What a symbol or var name means, or a key: never silently one of several that share a var name. */
  find(name: string): GeneMatch {
    return this.findId(this.#symbols?.idOf(name) ?? name)
  }

  /** A var name or a key. */
  findId(name: string): GeneMatch {
    const index = this.#indexOfKey.get(name)
    if (index !== undefined) return { kind: 'one', index }
    const bearers = [...(this.#bearers.get(name) ?? [])]
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
   * `total` counts all matches, `genes` holds at most `limit`. `isWanted` says no to ids that are listed elsewhere.
   */
  search(query: string, limit: number, isWanted: (id: string) => boolean = () => true): GeneNames {
    const asked = query.trim().toLowerCase()
    if (asked === '') return { total: this.size, genes: this.#names([...this.#ids.slice(0, limit).keys()]) }
    const { ids, labels } = this.#lower()
    const ranks: [number[], number[], number[]] = [[], [], []]
    for (let i = 0; i < ids.length; i++) {
      const rank = Math.min(matchRank(asked, labels[i] ?? ''), matchRank(asked, ids[i] ?? ''))
      if (rank in ranks && isWanted(this.#ids[i] ?? '')) ranks[rank]?.push(i)
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
      if (bearers === undefined) this.#bearers.set(name, new Set([i]))
      else bearers.add(i)
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
