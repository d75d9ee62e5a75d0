import type { Matrix } from '../../protocol/matrix.ts'
import type { GeneTable } from '../compare/compare-groups.ts'
import type { ComparedGroups } from './compared-groups.ts'
import { matrixText } from './matrices.ts'

/** Below it a gene that happens to be alike in all cells of a group gets a large score. */
const FEW_CELLS = 26

/** What the numbers mean less than they seem to, in sentences. */
export function comparisonNotes(
  { cellsA, cellsB, overlap }: ComparedGroups,
  table: GeneTable,
  matrix: Matrix,
): string[] {
  const notes: string[] = []
  const name = matrixText(matrix)
  if (overlap > 0) {
    const cells = overlap === 1 ? '1 cell is' : `${overlap.toLocaleString('en')} cells are`
    notes.push(`${cells} in both groups, and left out of both.`)
  }
  const fewest = Math.min(cellsA, cellsB)
  if (fewest < FEW_CELLS) notes.push(`A group of ${fewest} cells is small: its scores say little.`)
  if (table.looksLikeCounts) {
    notes.push(`${name} seems to hold raw counts: take their logarithm first (sc.pp.normalize_total, sc.pp.log1p).`)
  }
  if (table.hasNegative) {
    notes.push(`${name} holds negative values, as scaled data do: log fold changes have no meaning, scores have.`)
  }
  if (table.missing > 0) {
    const genes = table.missing === 1 ? '1 gene has' : `${table.missing.toLocaleString('en')} genes have`
    notes.push(`${genes} missing values (NaN) in these cells: score 0, p 1, no fold change.`)
  }
  return notes
}
