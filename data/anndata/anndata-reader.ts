import type { CodesColumn, Values } from '../../protocol/column-frame.ts'
import type { Matrix, VarTable } from '../../protocol/matrix.ts'
import type { KernelDescription, StoredColor } from '../../protocol/pipe.ts'
import type { GeneTable, Plan } from '../compare/compare-groups.ts'
import type { Progress, Rows } from '../data-source.ts'
import type { Positions } from '../values/value-type.ts'

/** Other names that mean a part of a modality, where they mean nothing else. */
type OfModality = { aliases?: readonly string[] }

/**
 * What one obsm entry is. `rows` where it is not one per cell, `label` where it has a name of its own. Of a modality:
 * `name`, its key there, and `group`, which comes after what all cells have in common (0).
 */
export type ObsmEntry = KernelDescription['obsm'][number] &
  OfModality & { rows?: number; label?: string; name?: string; group?: number }

/** Names of all genes: var names, labels where they are others, and lists of names that several genes may share. */
export type GeneNamesOf = { ids: string[]; labels: string[] | null; bare: string[][] }

/** What an AnnData holds, said without reading a column. `version` differs when any read could. */
export type Description = Omit<KernelDescription, 'obs' | 'obsm' | 'varColumnVersions'> & {
  obs: (KernelDescription['obs'][number] & OfModality)[]
  obsm: ObsmEntry[]
  /** Absent: all have the version of the whole. */
  varColumnVersions?: readonly string[]
}

/**
 * One value per cell as stored, but for its width: NaN or the largest code is missing. `note` as of a column. `colors` as
 * they stand in `uns`, not yet checked; `null` where there are none. `hasColors`: there are some, for numbers.
 */
export type ObsArray =
  | { form: 'dense'; values: Values; note?: string; hasColors?: boolean }
  | ({ form: 'codes' } & Pick<CodesColumn, 'codes' | 'categories' | 'ordered'> & {
        colors: readonly StoredColor[] | null
      })

/** One gene as stored; `rows` ascending and unique, the rest is 0. */
export type GeneArray =
  | { form: 'dense'; values: Values; note?: string }
  | { form: 'sparse'; n: number; rows: Uint32Array; values: Values; note?: string }

/**
 * The arrays of an AnnData, wherever it lives: all that differs between a file, a store and a kernel. Every read ends
 * when `signal` aborts, rejecting with its reason, and rejects with DataError otherwise.
 */
export interface AnnDataReader {
  /** Cheap. The same text as long as no read could differ. */
  version(signal: AbortSignal): Promise<string>
  describe(signal: AbortSignal): Promise<Description>
  /** Look again at what may have changed, so that `version` and `describe` know. */
  refresh(signal: AbortSignal): Promise<void>
  /** The first `columns` columns of the given rows, row-major. */
  obsm(key: string, columns: number, rows: Rows, signal: AbortSignal): Promise<Positions>
  obs(key: string, signal: AbortSignal): Promise<ObsArray>
  /** `index` in the matrix's table of genes. */
  gene(index: number, matrix: Matrix, signal: AbortSignal): Promise<GeneArray>
  /** Two groups of cells, gene by gene; absent where genes cannot be compared. `progress` hears the share that is done. */
  compare?(matrix: Matrix, plan: Plan, signal: AbortSignal, progress: (done: number) => void): Promise<GeneTable>
  /** A column of a table of genes as texts, the index for `column` null. */
  varNames(column: string | null, table: VarTable, signal: AbortSignal): Promise<string[]>
  /** Where a table of genes is made of several: their names, with those of a column as labels. */
  geneNames?(column: string | null, table: VarTable, signal: AbortSignal): Promise<GeneNamesOf>
  obsNames(rows: Rows, signal: AbortSignal): Promise<string[]>
  /** Only of a folder: see DataSource. */
  exportFile?(path: string, signal: AbortSignal): Promise<Uint8Array | null>
  progress(): Promise<Progress>
  /** Only where sorted genes take the kernel's memory: give it back. */
  giveBack?(signal: AbortSignal): Promise<void>
  /** Idempotent; pending reads end with `closed`. */
  close(): Promise<void>
}
