/** Longer names are not compared letter by letter: nobody mistypes them, and a hostile file may hold megabytes. */
const MAX_COMPARED_LENGTH = 64

/**
 * Names that a person may have meant, nearest first: equal but for case, then few edits, then names that contain
 * what was asked or are contained in it.
 */
export function nearNames(wanted: string, names: Iterable<string>, limit = 5): string[] {
  const asked = wanted.toLowerCase()
  const found: { name: string; distance: number }[] = []
  for (const name of names) {
    const distance = nameDistance(asked, name.toLowerCase())
    if (distance < Number.POSITIVE_INFINITY) found.push({ name, distance })
  }
  found.sort((a, b) => a.distance - b.distance || a.name.length - b.name.length || (a.name < b.name ? -1 : 1))
  return found.slice(0, limit).map(({ name }) => name)
}

/** "; near: a, b", or nothing where no name is near. For the end of a message. */
export function nearNamesText(wanted: string, names: Iterable<string>): string {
  const near = nearNames(wanted, names)
  return near.length === 0 ? '' : ` Near it: ${near.map(quoted).join(', ')}.`
}

/** A name of a dataset inside a message: quoted, and cut where it is too long to read. */
export function quoted(name: string): string {
  return name.length > 200 ? `"${name.slice(0, 200)}…"` : `"${name}"`
}

/** "a", "b" and 3 more: for messages that list what there is. */
export function listed(names: readonly string[], limit = 20): string {
  if (names.length === 0) return 'none'
  const shown = names.slice(0, limit).map(quoted).join(', ')
  return names.length > limit ? `${shown} and ${names.length - limit} more` : shown
}

function nameDistance(asked: string, name: string): number {
  if (asked === name) return 0
  if (asked.length === 0 || asked.length > MAX_COMPARED_LENGTH || name.length > MAX_COMPARED_LENGTH) {
    return Number.POSITIVE_INFINITY
  }
  const allowed = Math.max(1, Math.floor(asked.length / 4))
  const edits = editDistance(asked, name, allowed)
  if (edits <= allowed) return edits
  if (asked.length >= 3 && name.includes(asked)) return 10
  if (name.length >= 3 && asked.includes(name)) return 11
  return Number.POSITIVE_INFINITY
}

/** Insertions, deletions, replacements and swaps of neighbours; anything above `allowed` may be returned as more. */
function editDistance(a: string, b: string, allowed: number): number {
  if (Math.abs(a.length - b.length) > allowed) return allowed + 1
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1)
      row.push(best)
    }
    if (Math.min(...row) > allowed) return allowed + 1
    beforeLast = last
    last = row
  }
  return last[b.length] ?? allowed + 1
}
