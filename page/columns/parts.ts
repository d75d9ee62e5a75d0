import type { Identity } from '../../protocol/identity.ts'
import { matrixKey } from '../../protocol/matrix.ts'
import type { Colorable } from './colorable.ts'
import type { Filter } from './filters.ts'

/** What of the dataset has a version of its own, by the name that the user knows. */
export type Part = { axis: 'obsm' | 'obs' | 'matrix'; key: string }
/** Something on screen: what it was read from, and of which version; `undefined` where the server did not say. */
export type ShownPart = { part: Part; version: string | undefined }

/** What is on screen, as the store has it. */
type OnScreen = {
  identity: Identity | null
  embedding: { key: string; version?: string } | null
  color: { by: Colorable; column: { version?: string } } | null
  filters: readonly Filter[]
}

export function partOf(by: Colorable): Part {
  return by.axis === 'obs' ? { axis: 'obs', key: by.key } : { axis: 'matrix', key: matrixKey(by.matrix) }
}

export function isSamePart(a: Part, b: Part): boolean {
  return a.axis === b.axis && a.key === b.key
}

/** The version that the dataset says a part has; `undefined` where it does not list it. */
export function versionIn(identity: Identity | null, { axis, key }: Part): string | undefined {
  if (axis === 'matrix') return identity?.matrices.find(({ matrix }) => matrixKey(matrix) === key)?.version
  const entries = axis === 'obsm' ? identity?.embeddings : identity?.obs
  return entries?.find((entry) => entry.key === key)?.version
}

export function shownParts({ embedding, color, filters }: Omit<OnScreen, 'identity'>): ShownPart[] {
  const shown = [...(color === null ? [] : [color]), ...filters].map(({ by, column }) => ({
    part: partOf(by),
    version: column.version,
  }))
  return embedding === null
    ? shown
    : [{ part: { axis: 'obsm', key: embedding.key }, version: embedding.version }, ...shown]
}

/** What is on screen of another version than the dataset has now, each once. */
export function outdatedParts(onScreen: OnScreen): Part[] {
  const { identity } = onScreen
  const outdated = shownParts(onScreen).filter(({ part, version }) => {
    const now = versionIn(identity, part)
    return version !== undefined && now !== undefined && version !== now
  })
  return outdated
    .map(({ part }) => part)
    .filter((part, i, all) => all.findIndex((other) => isSamePart(part, other)) === i)
}

/** What changed, in a sentence. */
export function changeSentence(parts: readonly Part[]): string {
  const names = parts.slice(0, MAX_NAMED).map(({ key }) => key.slice(0, MAX_NAME_LENGTH))
  const more = parts.length > MAX_NAMED ? ` and ${parts.length - MAX_NAMED} more` : ''
  const [they, show] = parts.length === 1 ? ['it was', 'shows it'] : ['they were', 'shows them']
  return `${names.join(', ')}${more} changed since ${they} read: the picture ${show} as before.`
}

const MAX_NAMED = 3
const MAX_NAME_LENGTH = 60
