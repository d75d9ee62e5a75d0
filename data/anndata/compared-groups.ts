import type { CodesColumn, Column } from '../../protocol/column-frame.ts'
import { GROUP_A, GROUP_B } from '../compare/gene-sums.ts'
import { DataError, type Group } from '../data-source.ts'
import { listed, nearNamesText, quoted } from '../near-names.ts'

/** `overlap`: how many cells were in both and are therefore in neither. */
export type ComparedGroups = { codes: Uint8Array; cellsA: number; cellsB: number; overlap: number }

/** A variance needs two. */
const MIN_CELLS = 2

/**
 * Which group each cell is in: 0 neither, 1 A, 2 B.
 * @param b `null`: all cells that are not in A
 * @throws DataError in words where two such groups cannot be compared
 */
export async function comparedGroups(
  a: Group,
  b: Group | null,
  nObs: number,
  obs: (field: string) => Promise<Column>,
): Promise<ComparedGroups> {
  const inA = await membersOf(a, 'a', nObs, obs)
  const inB = b === null ? inA.map((isIn) => 1 - isIn) : await membersOf(b, 'b', nObs, obs)
  const asked = { a: sum(inA), b: sum(inB) }
  if (asked.a === 0) throw refusal('Group a has no cells. Give at least two.')
  if (asked.a === nObs && b === null) throw refusal('Group a is all cells: there are none left to compare it with.')
  if (asked.b === 0) throw refusal('Group b has no cells. Give at least two, or leave b out for all other cells.')
  const codes = new Uint8Array(nObs)
  let overlap = 0
  for (let cell = 0; cell < nObs; cell++) {
    if (inA[cell] === 1 && inB[cell] === 1) overlap++
    else if (inA[cell] === 1) codes[cell] = GROUP_A
    else if (inB[cell] === 1) codes[cell] = GROUP_B
  }
  if (overlap === asked.a && overlap === asked.b) throw refusal('Groups a and b are the same cells.')
  const left = { a: asked.a - overlap, b: asked.b - overlap }
  for (const group of ['a', 'b'] as const) {
    if (left[group] >= MIN_CELLS) continue
    const without = overlap === 0 ? '' : ` without the ${overlap.toLocaleString('en')} that are in both groups`
    const has = left[group] === 0 ? 'no cells' : 'one cell'
    throw refusal(`Group ${group} has ${has}${without}: a group needs at least two to be compared.`)
  }
  return { codes, cellsA: left.a, cellsB: left.b, overlap }
}

async function membersOf(
  group: Group,
  name: string,
  nObs: number,
  obs: (field: string) => Promise<Column>,
): Promise<Uint8Array> {
  const members = new Uint8Array(nObs)
  if ('cells' in group) {
    for (const cell of group.cells) members[cell] = 1
    return members
  }
  const column = await obs(group.field)
  if (column.kind !== 'codes') {
    const advice = 'Give the cells themselves, for example as a mask.'
    throw refusal(
      `obs ${quoted(group.field)} holds numbers, not categories: group ${name} cannot be named by it. ${advice}`,
    )
  }
  const wanted = new Set(group.categories.map((category) => codeOf(column, category, group.field)))
  for (let cell = 0; cell < nObs; cell++) if (wanted.has(column.codes[cell] ?? -1)) members[cell] = 1
  return members
}

function codeOf({ categories }: CodesColumn, category: string, field: string): number {
  const code = categories.indexOf(category)
  if (code >= 0) return code
  const found = `${quoted(category)} is not a category of obs ${quoted(field)}, which has ${listed(categories)}`
  throw new DataError('unknown_column', `${found}.${nearNamesText(category, categories)}`)
}

function sum(members: Uint8Array): number {
  let count = 0
  for (const isIn of members) count += isIn
  return count
}

function refusal(sentence: string): DataError {
  return new DataError('unsupported', sentence)
}
